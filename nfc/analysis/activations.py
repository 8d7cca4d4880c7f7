"""Moments of activations and of their derivatives at Gaussian inputs, and the gains that follow.

A value is taken as normal with its neuron's mean and variance. Expectations of functions of one
neuron are by Gauss-Legendre quadrature on either side of 0, where the kinks of `relu` and
`leaky_relu` are, and where at large variances all change is; Gauss-Hermite quadrature would miss both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import e, factorial, pi, sqrt

import numpy as np

from nfc.analysis.signal import Array, Signal
from nfc.ir.network import Activation

Elementwise = Callable[[Array], tuple[Array, Array]]
"""A function of each number alone: numbers → its values and its derivatives there."""

_NODES = 48
_REACH = 8.0
_CHUNK = 2**13
_TERMS = 12

_GAINS = {
    "relu": 2.0,
    "gelu": 2.155057061098702,
    "silu": 2.4297325196250235,
    "tanh": 2.5361754161364622,
    "sigmoid": 3.4085598416231027,
    "softmax": 1.0,
    "log_softmax": 1.0,
}
"""Written out, so that the last bits of initial weights hang on no library's quadrature."""


def gain(op: Activation) -> float:
    """The variance before the activation that makes its output's second moment 1, where there is one.

    relu and leaky_relu: 1 / E[f(z)²], as He et al. (ICCV 2015). gelu and silu: the q with
    E[f(√q z)²] = 1. tanh and sigmoid stay below 1, so they take 1 / E[f(z)²]: a chain of such
    layers settles where the variance before each activation is 1. The softmaxes: 1.
    """
    if op.function == "leaky_relu":
        return 2.0 / (1.0 + op.negative_slope**2)
    return _GAINS[op.function]


def elementwise(op: Activation) -> Elementwise | None:
    """The activation as a function of each number; None for the softmaxes."""
    if op.function in ("relu", "leaky_relu"):
        slope = op.negative_slope
        return lambda x: (np.where(x > 0.0, x, slope * x), np.where(x > 0.0, 1.0, slope))
    return _FUNCTIONS.get(op.function)


def through(function: Elementwise, signal: Signal) -> tuple[Signal, Array]:
    """The function's values behind `signal`, and E[f'²] for each neuron.

    Neurons with equal moments (to 9 digits), which are most, are worked out once.
    """
    table = np.stack([signal.second.ravel(), signal.shared.ravel(), signal.mean.ravel()])
    _, first, where = np.unique(_rounded(table), axis=1, return_index=True, return_inverse=True)
    distinct = table[:, first]
    parts = [
        _expectations(function, *distinct[:, start : start + _CHUNK])
        for start in range(0, distinct.shape[1], _CHUNK)
    ]
    second, shared, mean, slope = (
        row[where.ravel()].reshape(signal.mean.shape) for row in np.concatenate(parts, axis=1)
    )
    return Signal(second, shared, mean), slope


def softmax(signal: Signal, axis: int) -> Signal:
    """Behind a softmax, in the limit of a long axis: e^(x − L), L the logarithm of the expected sum."""
    variance, covariance = signal.variance, signal.shared - signal.mean**2
    total = _log_sum(signal, axis)
    return Signal(
        np.exp(2.0 * (signal.mean + variance - total)),
        np.exp(2.0 * (signal.mean - total) + variance + covariance),
        np.exp(signal.mean + variance / 2.0 - total),
    )


def log_softmax(signal: Signal, axis: int) -> Signal:
    """Behind a log_softmax, in the limit of a long axis: x − L."""
    return signal.shifted(-_log_sum(signal, axis))


def _log_sum(signal: Signal, axis: int) -> Array:
    """The logarithm of Σ E[e^x] over the axis, which stays with length 1."""
    return np.asarray(np.logaddexp.reduce(signal.mean + signal.variance / 2.0, axis=axis, keepdims=True))


def _rounded(values: Array) -> Array:
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**30), exponent - 30))


def _expectations(function: Elementwise, second: Array, shared: Array, mean: Array) -> Array:
    """E[f²], E[f(x) f(x')], E[f] and E[f'²] for each neuron, [4, neurons].

    E[f(x) f(x')] is Σ a_k² ρ^k with the Hermite coefficients a_k of f and the correlation ρ of x and
    x'. What a few terms leave out comes from a kink, if anything is left; so it goes with ρ as relu's.
    """
    variance = np.maximum(second - mean**2, 0.0)
    deviation = np.sqrt(variance)[:, None]
    zero = np.divide(-mean[:, None], deviation, out=np.zeros_like(deviation), where=deviation > 0.0)
    z, weights = _normal_nodes(np.clip(zero, -_REACH, _REACH))
    values, slopes = function(mean[:, None] + deviation * z)
    square = (weights * values**2).sum(axis=1)
    correlation = np.divide(shared - mean**2, variance, out=np.zeros_like(mean), where=variance > 0.0)
    correlation = np.clip(correlation, 0.0, 1.0)
    product, left, average = np.zeros_like(mean), square.copy(), mean
    previous, hermite = np.zeros_like(z), np.ones_like(z)
    weighted = weights * values
    for k in range(_TERMS + 1):
        coefficient = (weighted * hermite).sum(axis=1)
        average = coefficient if k == 0 else average
        product += coefficient**2 * correlation**k
        left -= coefficient**2
        previous, hermite = hermite, (z * hermite - sqrt(k) * previous) / sqrt(k + 1)
    product += np.maximum(left, 0.0) * _kink_tail(correlation) / _kink_tail(np.ones(1))
    return np.stack([square, product, average, (weights * slopes**2).sum(axis=1)])


def _kink_tail(correlation: Array) -> Array:
    """Σ a_k² ρ^k over the k left out, for relu at mean 0 and variance 1.

    The whole sum is in closed form (Cho and Saul, Kernel methods for deep learning, NeurIPS 2009).
    """
    whole = (np.sqrt(1.0 - correlation**2) + correlation * (pi - np.arccos(correlation))) / (2.0 * pi)
    known = 1.0 / (2.0 * pi) + correlation / 4.0
    double = 1.0  # (k − 3)!!
    for k in range(2, _TERMS + 1, 2):
        double *= max(1, k - 3)
        known = known + double**2 / (2.0 * pi * factorial(k)) * correlation**k
    return np.asarray(whole - known)


@cache
def _legendre() -> tuple[Array, Array]:
    """Nodes and weights on 0…1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0


def _normal_nodes(split: Array) -> tuple[Array, Array]:
    """Nodes and weights of the standard normal density on both sides of `split`, [neurons, 1] each."""
    nodes, weights = _legendre()
    below, above = split + _REACH, _REACH - split
    z = np.concatenate([-_REACH + below * nodes, split + above * nodes], axis=1)
    density = np.concatenate([below * weights, above * weights], axis=1) * np.exp(-(z**2) / 2.0)
    return z, density / density.sum(axis=1, keepdims=True)


def _gelu(x: Array) -> tuple[Array, Array]:
    from scipy.special import ndtr

    cdf = np.asarray(ndtr(x))
    return x * cdf, cdf + x * e ** (-(x**2) / 2.0) / sqrt(2.0 * pi)


def _sigmoid(x: Array) -> tuple[Array, Array]:
    value = 0.5 * (1.0 + np.tanh(0.5 * x))
    return value, value * (1.0 - value)


def _silu(x: Array) -> tuple[Array, Array]:
    value, slope = _sigmoid(x)
    return x * value, value + x * slope


def _tanh(x: Array) -> tuple[Array, Array]:
    value = np.tanh(x)
    return value, 1.0 - value**2


_FUNCTIONS: dict[str, Elementwise] = {"gelu": _gelu, "silu": _silu, "tanh": _tanh, "sigmoid": _sigmoid}
