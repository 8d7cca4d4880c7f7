"""Predicted second moments at initialisation: of the signal forward and of the gradient backward.

Each neuron carries its own second moment through factors, sums, norms and activations, so time and
memory are in the edges. Assumed, as in the mean-field literature (Poole et al., NeurIPS 2016;
Schoenholz et al., ICLR 2017): inputs independent with mean 0 and variance 1; values before
activations and norms normal with mean 0; the two sides of a residual, and branches that a sum
joins, uncorrelated; gradients independent of the weights they meet. Batch norms are taken as in
training (each feature to second moment 1), dropout as at inference. Softmaxes are to leading
order in the length of their axis, too high on short ones: at 10 entries 1.4 times forward and
2.9 times backward (docs/initialisation.md has the table).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from nfc.analysis.activations import Moments, slope_moment, value_moment
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

Pullback = Callable[[Moments], Moments]
"""Second moments of an output's gradient → those of the input's."""
Step = tuple[Moments, Pullback]
"""An operation's second moments of its output, and the way back."""


def forward_variance(network: Network) -> float:
    """Mean second moment at the output over the input's; needs the layers' draws."""
    output, _ = _block(network.body, np.ones(network.input))
    return float(output.mean())


def backward_variance(network: Network) -> float:
    """Total second moment of the input's gradient over the output's; needs the layers' draws."""
    output, pullback = _block(network.body, np.ones(network.input))
    return float(pullback(np.ones_like(output)).sum() / output.size)


def _block(block: Block, moments: Moments) -> Step:
    pullbacks: list[Pullback] = []
    for op in block:
        moments, pullback = _operation(op, moments)
        pullbacks.append(pullback)
    return moments, lambda gradient: reduce(lambda g, back: back(g), reversed(pullbacks), gradient)


def _operation(op: Op, moments: Moments) -> Step:
    match op:
        case Linear():
            return _linear(op, moments)
        case Activation():
            return _activation(op, moments)
        case Norm():
            return _norm(op, moments)
        case Pad():
            size = op.input[-1]
            width = [(0, 0)] * (moments.ndim - 1) + [(0, op.output[-1] - size)]
            return np.pad(moments, width), lambda gradient: gradient[..., :size]
        case Crop():
            size = op.output[-1]
            width = [(0, 0)] * (moments.ndim - 1) + [(0, op.input[-1] - size)]
            return moments[..., :size], lambda gradient: np.pad(gradient, width)
        case Reshape():
            return moments.reshape(op.output), lambda gradient: gradient.reshape(op.input)
        case Repeat():
            return _block(tuple(inner for copy in op.copies for inner in copy), moments)
        case Inline():
            return _block(op.body, moments)
        case Residual():
            skip = () if op.project is None else (op.project,)
            return _add((skip, op.body), moments)
        case Sum():
            return _add(op.branches, moments)
        case Concat():
            return _concat(op.branches, moments)
        case _:
            return moments, lambda gradient: gradient


def _add(branches: tuple[Block, ...], moments: Moments) -> Step:
    outputs, pullbacks = zip(*(_block(branch, moments) for branch in branches), strict=True)
    return sum(outputs[1:], start=outputs[0]), lambda gradient: sum(
        (back(gradient) for back in pullbacks), start=np.zeros_like(moments)
    )


def _concat(branches: tuple[Block, ...], moments: Moments) -> Step:
    outputs, pullbacks = zip(*(_block(branch, moments) for branch in branches), strict=True)
    bounds = np.cumsum([output.shape[-1] for output in outputs])[:-1]

    def pullback(gradient: Moments) -> Moments:
        slices = np.split(gradient, bounds, axis=-1)
        return sum(
            (back(part) for back, part in zip(pullbacks, slices, strict=True)), start=np.zeros_like(moments)
        )

    return np.concatenate(outputs, axis=-1), pullback


def _activation(op: Activation, moments: Moments) -> Step:
    output = value_moment(op, moments)
    if op.function not in ("softmax", "log_softmax"):
        slopes = slope_moment(op, moments)
        return output, lambda gradient: slopes * gradient
    axis = -1 if op.axis is None else op.axis
    probability = value_moment(_softmax(op), moments)
    if op.function == "softmax":
        return (
            output,
            lambda gradient: (
                probability * (gradient + (probability * gradient).sum(axis=axis, keepdims=True))
            ),
        )
    return output, lambda gradient: gradient + probability * gradient.sum(axis=axis, keepdims=True)


def _softmax(op: Activation) -> Activation:
    return Activation(path=op.path, input=op.input, output=op.output, function="softmax", axis=op.axis)


def _norm(op: Norm, moments: Moments) -> Step:
    scale = moments if op.norm == "batch" else moments.mean(axis=-1, keepdims=True)
    inverse = 1.0 / (scale + NORM_EPSILON)
    return moments * inverse, lambda gradient: gradient * inverse


def _linear(op: Linear, moments: Moments) -> Step:
    if op.draws is None:
        raise ValueError(f"{op.path}: no draws are set; the initialisation pass has to run before")
    draws = iter(zip(factors(op.fabric), op.draws, strict=True))
    return _fabric(op.fabric, lambda: next(draws), moments)


def _fabric(fabric: Fabric, following: Callable[[], tuple[Factor, Draw]], moments: Moments) -> Step:
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
    return sum(outputs[1:], start=outputs[0]), lambda gradient: sum(
        (back(gradient) for back in backs), start=np.zeros_like(moments)
    )


def _factor(factor: Factor, draw: Draw, moments: Moments) -> Step:
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


def _blocks(moments: Moments, variance: float, sizes: tuple[int, int, int, int]) -> Moments:
    """[…, a·width·d] → […, a·height·d] through equal blocks that read `width` values each."""
    a, width, height, d = sizes
    sums = moments.reshape(*moments.shape[:-1], a, width, d).sum(axis=-2, keepdims=True) * variance
    spread = np.broadcast_to(sums, (*moments.shape[:-1], a, height, d))
    return spread.reshape(*moments.shape[:-1], a * height * d)


def _apply(matrix: object, moments: Moments) -> Moments:
    """The last axis through a sparse matrix."""
    flat = moments.reshape(-1, moments.shape[-1])
    result = np.asarray((matrix @ flat.T).T)  # type: ignore[operator]
    return result.reshape(*moments.shape[:-1], result.shape[-1])


def edge_variances(factor: Factor, draw: Draw) -> float | Moments:
    """The variance of every weight, or of each edge in CSR order."""
    if draw.distribution == "orthogonal":
        _, height, width = block_shape(factor)
        return float(draw.std) ** 2 / max(height, width)
    return draw.std**2
