"""Second moments of activations and of their derivatives at Gaussian inputs, and the gains that follow.

A value is taken as normal with mean 0 and variance q, z as standard normal. Closed forms where
there are short ones; elsewhere the trapezoidal rule, which for analytic functions under a normal
density converges exponentially and, unlike Gauss-Hermite quadrature, stays exact for large q.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import e, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from nfc.ir.network import Activation

Moments = NDArray[np.float64]
Function = Callable[[Moments], Moments]

DEFAULT_SLOPE = 0.01
_NODES = 129
_REACH = 8.0
_CHUNK = 2**13

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
        return 2.0 / (1.0 + _slope(op) ** 2)
    return _GAINS[op.function]


def value_moment(op: Activation, q: Moments) -> Moments:
    """E[f(√q z)²] for each neuron; the softmaxes in the limit of a long axis."""
    match op.function:
        case "relu" | "leaky_relu":
            return q * (1.0 + _negative_slope(op) ** 2) / 2.0
        case "softmax":
            return np.broadcast_to(_axis_mean(op, np.exp(q)) / _axis_size(op, q) ** 2, q.shape)
        case "log_softmax":
            return np.asarray(q + (np.log(_axis_size(op, q)) + _axis_mean(op, q) / 2.0) ** 2)
        case function:
            return _quadrature(_FUNCTIONS[function], q)


def slope_moment(op: Activation, q: Moments) -> Moments:
    """E[f'(√q z)²] for each neuron, for the activations that act on each neuron alone."""
    if op.function in ("relu", "leaky_relu"):
        return np.full_like(q, (1.0 + _negative_slope(op) ** 2) / 2.0)
    return _quadrature(_DERIVATIVES[op.function], q)


def _slope(op: Activation) -> float:
    return DEFAULT_SLOPE if op.slope is None else op.slope


def _negative_slope(op: Activation) -> float:
    return _slope(op) if op.function == "leaky_relu" else 0.0


def _axis(op: Activation) -> int:
    return -1 if op.axis is None else op.axis


def _axis_size(op: Activation, q: Moments) -> float:
    return float(q.shape[_axis(op)])


def _axis_mean(op: Activation, values: Moments) -> Moments:
    return np.asarray(values.mean(axis=_axis(op), keepdims=True))


@cache
def _nodes() -> tuple[Moments, Moments]:
    points = np.linspace(-_REACH, _REACH, _NODES)
    weights = np.exp(-(points**2) / 2.0)
    return points, weights / weights.sum()


def _quadrature(function: Function, q: Moments) -> Moments:
    """E[function(√q z)²]; neurons with equal q, which are most, are worked out once."""
    points, weights = _nodes()
    distinct, where = np.unique(q, return_inverse=True)
    parts = [
        function(np.sqrt(distinct[start : start + _CHUNK, None]) * points) ** 2 @ weights
        for start in range(0, len(distinct), _CHUNK)
    ]
    return np.concatenate(parts)[where].reshape(q.shape)


def _normal_cdf(x: Moments) -> Moments:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _sigmoid(x: Moments) -> Moments:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


_FUNCTIONS: dict[str, Function] = {
    "gelu": lambda x: x * _normal_cdf(x),
    "silu": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
}
_DERIVATIVES: dict[str, Function] = {
    "gelu": lambda x: _normal_cdf(x) + x * e ** (-(x**2) / 2.0) / sqrt(2.0 * pi),
    "silu": lambda x: _sigmoid(x) * (1.0 + x * (1.0 - _sigmoid(x))),
    "tanh": lambda x: 1.0 - np.tanh(x) ** 2,
    "sigmoid": lambda x: _sigmoid(x) * (1.0 - _sigmoid(x)),
}
