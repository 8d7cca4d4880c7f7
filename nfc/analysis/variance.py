"""Predicted second moments at initialisation: of the signal forward and of the gradient backward.

Each neuron carries its own moments (`Signal`) through factors, sums, norms and activations, so time
and memory are in the edges. Assumed, as in the mean-field literature (Poole et al., NeurIPS 2016;
Schoenholz et al., ICLR 2017): inputs independent with mean 0 and variance 1; wide layers, so that
averages over neurons are their expectations; values before activations normal; branches
uncorrelated but for their means, except those without weights, which are functions of the same
number; gradients uncorrelated, and independent of the weights they meet. Batch norms are taken as
in training with a large batch, dropout as at inference. Softmaxes are to leading order in the length
of their axis. docs/initialisation.md says by how much each of these is off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import inf, isnan

import numpy as np

from nfc.analysis.activations import Elementwise, elementwise, log_softmax, softmax, through
from nfc.analysis.elementwise import function_of, residual_branches, total
from nfc.analysis.signal import Array, Signal, normal_inputs
from nfc.ir.fabric import Cascade, Fabric, factors
from nfc.ir.factors import Factor, Kron
from nfc.ir.initial_weights import block_shape
from nfc.ir.network import (
    NORM_EPSILON,
    Activation,
    Block,
    Concat,
    Crop,
    Draw,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
)

Pullback = Callable[[Array], Array]
"""Second moments of an output's gradient → those of the input's."""
Step = tuple[Signal, Pullback]
"""An operation's output, and the way back."""
Linked = tuple[Array, Pullback]
"""Second moments behind weights, and the way back."""


def forward_variance(network: Network) -> float:
    """Mean second moment at the output over the input's; needs the layers' draws.

    Infinite where it, or a value on the way, is beyond float64.
    """
    with np.errstate(all="ignore"):
        output, _ = _block(network.body, normal_inputs(network.input))
        return _or_infinite(output.second.mean())


def backward_variance(network: Network) -> float:
    """Total second moment of the input's gradient over the output's; needs the layers' draws.

    Infinite where it, or a value on the way, is beyond float64.
    """
    with np.errstate(all="ignore"):
        output, pullback = _block(network.body, normal_inputs(network.input))
        if not np.isfinite(output.second).all():
            return inf
        gradient = pullback(np.ones_like(output.second))
        return _or_infinite(gradient.sum() / output.second.size)


def _or_infinite(value: float) -> float:
    """Only differences and quotients of infinite moments are not numbers."""
    return inf if isnan(value) else float(value)


def _block(block: Block, signal: Signal) -> Step:
    pullbacks: list[Pullback] = []
    for op in block:
        signal, pullback = _operation(op, signal)
        pullbacks.append(pullback)
    return signal, lambda gradient: reduce(lambda g, back: back(g), reversed(pullbacks), gradient)


def _operation(op: Op, signal: Signal) -> Step:
    match op:
        case Linear():
            return _linear(op, signal)
        case Activation():
            return _activation(op, signal)
        case Norm():
            return _norm(op, signal)
        case Pad():
            return _resized(signal, op.input[-1], op.output[-1])
        case Crop():
            return _resized(signal, op.input[-1], op.output[-1])
        case Reshape():
            return (
                signal.rearranged(lambda moments: moments.reshape(op.output)),
                lambda gradient: gradient.reshape(op.input),
            )
        case Repeat():
            return _block(tuple(inner for copy in op.copies for inner in copy), signal)
        case Inline():
            return _block(op.body, signal)
        case Residual():
            return _add(residual_branches(op), signal)
        case Sum():
            return _add(op.branches, signal)
        case Concat():
            return _concat(op.branches, signal)
        case _:
            return signal, lambda gradient: gradient


def _resized(signal: Signal, before: int, after: int) -> Step:
    return (
        signal.rearranged(lambda moments: _resize(moments, after)),
        lambda gradient: _resize(gradient, before),
    )


def _resize(values: Array, size: int) -> Array:
    """The last axis cut, or extended by zeros."""
    added = max(0, size - values.shape[-1])
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, added)])[..., :size]


def _add(branches: tuple[Block, ...], signal: Signal) -> Step:
    """Branches without weights are one function of each number; all others are uncorrelated."""
    functions = {index: function_of(branch) for index, branch in enumerate(branches)}
    joint = [function for function in functions.values() if function is not None]
    if len(joint) > 1:
        steps = [_apply_function(total(joint), signal)]
        steps += [_block(branches[index], signal) for index in functions if functions[index] is None]
    else:
        steps = [_block(branch, signal) for branch in branches]
    outputs, pullbacks = zip(*steps, strict=True)
    return reduce(Signal.plus, outputs), lambda gradient: _added(pullbacks, [gradient] * len(pullbacks))


def _added(pullbacks: Sequence[Pullback], gradients: Sequence[Array]) -> Array:
    """The input's gradient out of those of uncorrelated branches."""
    parts = (back(gradient) for back, gradient in zip(pullbacks, gradients, strict=True))
    return reduce(np.add, parts)


def _concat(branches: tuple[Block, ...], signal: Signal) -> Step:
    outputs, pullbacks = zip(*(_block(branch, signal) for branch in branches), strict=True)
    bounds = np.cumsum([output.mean.shape[-1] for output in outputs])[:-1]
    joined = Signal(
        np.concatenate([output.second for output in outputs], axis=-1),
        np.concatenate([output.shared for output in outputs], axis=-1),
        np.concatenate([output.mean for output in outputs], axis=-1),
    )
    return joined, lambda gradient: _added(pullbacks, np.split(gradient, bounds, axis=-1))


def _activation(op: Activation, signal: Signal) -> Step:
    function = elementwise(op)
    if function is not None:
        return _apply_function(function, signal)
    axis = -1 if op.axis is None else op.axis
    probabilities = softmax(signal, axis)
    square = probabilities.second
    if op.function == "softmax":
        return (
            probabilities,
            lambda gradient: square * (gradient + (square * gradient).sum(axis=axis, keepdims=True)),
        )
    return (
        log_softmax(signal, axis),
        lambda gradient: gradient + square * gradient.sum(axis=axis, keepdims=True),
    )


def _apply_function(function: Elementwise, signal: Signal) -> Step:
    output, slopes = through(function, signal)
    return output, lambda gradient: slopes * gradient


def _norm(op: Norm, signal: Signal) -> Step:
    """Each takes off its own average: `batch` a neuron's over inputs, `layer` an input's over neurons."""
    match op.norm:
        case "batch":
            centred = Signal(
                signal.second - signal.shared, np.zeros_like(signal.mean), np.zeros_like(signal.mean)
            )
            axes = tuple(range(signal.mean.ndim - 1))
        case "layer":
            centred, axes = signal.shifted(-signal.mean.mean(axis=-1, keepdims=True)), (-1,)
        case _:
            centred, axes = signal, (-1,)
    inverse = 1.0 / (centred.second.mean(axis=axes, keepdims=True) + NORM_EPSILON)
    return centred.scaled(inverse), lambda gradient: gradient * inverse


def _linear(op: Linear, signal: Signal) -> Step:
    """Weights of mean 0 leave no mean; both second moments go through the edges' variances."""
    if op.draws is None:
        raise ValueError(f"{op.path}: no draws are set; the initialisation pass has to run before")
    draws = iter(zip(factors(op.fabric), op.draws, strict=True))
    output, pullback = _fabric(op.fabric, lambda: next(draws), np.stack([signal.second, signal.shared]))
    return Signal(output[0], output[1], np.zeros_like(output[0])), pullback


def _fabric(fabric: Fabric, following: Callable[[], tuple[Factor, Draw]], moments: Array) -> Linked:
    """Through a fabric whose factors, in written order, come with their draws from `following`."""
    if isinstance(fabric, Factor):
        return _factor(*following(), moments)
    if isinstance(fabric, Cascade):
        pullbacks: list[Pullback] = []
        for part in fabric.parts:
            moments, pullback = _fabric(part, following, moments)
            pullbacks.append(pullback)
        return moments, lambda gradient: reduce(lambda g, back: back(g), reversed(pullbacks), gradient)
    outputs, backs = zip(*(_fabric(part, following, moments) for part in fabric.parts), strict=True)
    return reduce(np.add, outputs), lambda gradient: _added(backs, [gradient] * len(backs))


def _factor(factor: Factor, draw: Draw, moments: Array) -> Linked:
    variance = edge_variances(factor, draw)
    if isinstance(factor, Kron) and isinstance(variance, float):
        a, b, c, d = factor.a, factor.b, factor.c, factor.d
        return _blocks(moments, variance, (a, c, b, d)), lambda gradient: _blocks(
            gradient, variance, (a, b, c, d)
        )
    from scipy.sparse import csr_array

    indptr, indices = factor.arrays()
    values = np.broadcast_to(np.asarray(variance, np.float64), (factor.edges,))
    matrix = csr_array((values, indices, indptr), shape=factor.shape)
    return _apply(matrix, moments), lambda gradient: _apply(matrix.T, gradient)


def _blocks(moments: Array, variance: float, sizes: tuple[int, int, int, int]) -> Array:
    """[…, a·width·d] → […, a·height·d] through equal blocks that read `width` values each."""
    a, width, height, d = sizes
    sums = moments.reshape(*moments.shape[:-1], a, width, d).sum(axis=-2, keepdims=True) * variance
    spread = np.broadcast_to(sums, (*moments.shape[:-1], a, height, d))
    return spread.reshape(*moments.shape[:-1], a * height * d)


def _apply(matrix: object, moments: Array) -> Array:
    """The last axis through a sparse matrix."""
    flat = moments.reshape(-1, moments.shape[-1])
    result = np.asarray((matrix @ flat.T).T)  # type: ignore[operator]
    return result.reshape(*moments.shape[:-1], result.shape[-1])


def edge_variances(factor: Factor, draw: Draw) -> float | Array:
    """The variance of every weight, or of each edge in CSR order."""
    if draw.distribution == "orthogonal":
        _, height, width = block_shape(factor)
        return float(draw.std) ** 2 / max(height, width)
    return draw.std**2
