"""What a weighted layer does to second moments: forward through its weights, and back.

Weights are independent with mean 0, so moments go through the variances of the edges, in time and
memory of the edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod

import numpy as np

from nfc.analysis.signal import Array
from nfc.ir.deviations import edge_std
from nfc.ir.fabric import Cascade, Fabric, factors, reads_input
from nfc.ir.factors import Blocks, Factor, Flags, Kron, Restricted
from nfc.ir.network import Draw, WeightedLayer
from nfc.ir.orthogonal_weights import block_sizes, largest_block
from nfc.ir.structure import endpoints

Pullback = Callable[[Array], Array]
"""Second moments of an output's gradient → those of the input's."""
Linked = tuple[Array, Pullback]
"""Second moments behind weights, and the way back."""


def through_weights(layer: WeightedLayer, moments: Array) -> Linked:
    """Second moments […, cols] behind a layer, […, rows], and the way back.

    Those before a convolution are summed over its windows already, position by position.

    Raises:
        ValueError: the layer has no draws.
    """
    if layer.draws is None:
        raise ValueError(f"{layer.path}: no draws are set; the initialisation pass has to run before")
    areas = (prod(layer.window) if reads else 1 for reads in reads_input(layer.fabric))
    draws = iter(zip(factors(layer.fabric), layer.draws, areas, strict=True))
    return _fabric(layer.fabric, lambda: next(draws), moments)


def added(pullbacks: Sequence[Pullback], gradients: Sequence[Array]) -> Array:
    """The input's gradient out of those of uncorrelated branches."""
    parts = (back(gradient) for back, gradient in zip(pullbacks, gradients, strict=True))
    return reduce(np.add, parts)


def _fabric(fabric: Fabric, following: Callable[[], tuple[Factor, Draw, int]], moments: Array) -> Linked:
    """Through a fabric whose factors, in written order, come from `following` with their draws and areas."""
    if isinstance(fabric, Factor):
        return _factor(*following(), moments)
    if isinstance(fabric, Cascade):
        pullbacks: list[Pullback] = []
        for part in fabric.parts:
            moments, pullback = _fabric(part, following, moments)
            pullbacks.append(pullback)
        return moments, lambda gradient: reduce(lambda g, back: back(g), reversed(pullbacks), gradient)
    outputs, backs = zip(*(_fabric(part, following, moments) for part in fabric.parts), strict=True)
    return reduce(np.add, outputs), lambda gradient: added(backs, [gradient] * len(backs))


def _factor(factor: Factor, draw: Draw, area: int, moments: Array) -> Linked:
    variance = edge_variances(factor, draw, area)
    if isinstance(factor, Kron) and isinstance(variance, float):
        a, b, c, d = factor.a, factor.b, factor.c, factor.d
        return _blocks(moments, variance, (a, c, b, d)), lambda gradient: _blocks(
            gradient, variance, (a, b, c, d)
        )
    if isinstance(factor, Restricted) and isinstance(variance, float):
        return _restricted(factor, moments, variance)
    from scipy.sparse import csr_array

    indptr, indices = factor.arrays()
    values = np.broadcast_to(np.asarray(variance, np.float64), (factor.edges,))
    matrix = csr_array((values, indices, indptr), shape=factor.shape)
    return _apply(matrix, moments), lambda gradient: _apply(matrix.T, gradient)


def _restricted(factor: Restricted, moments: Array, variance: float) -> Linked:
    """Through the blocks of its base, dead neurons being 0 on both sides."""
    a, b, c, d = factor.base.a, factor.base.b, factor.base.c, factor.base.d
    rows, cols = factor.live_rows, factor.live_cols

    def between(signal: Array, read: Flags, written: Flags, sizes: tuple[int, int, int, int]) -> Array:
        live = np.zeros((*signal.shape[:-1], sizes[0] * sizes[1] * sizes[3]))
        live[..., : len(read)] = signal * read
        return _blocks(live, variance, sizes)[..., : len(written)] * written

    return between(moments, cols, rows, (a, c, b, d)), lambda gradient: between(
        gradient, rows, cols, (a, b, c, d)
    )


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


def edge_variances(factor: Factor, draw: Draw, area: int = 1) -> float | Array:
    """The variance of every weight, or of each of the `area` weights of an edge, in CSR order."""
    if draw.distribution != "orthogonal":
        std = draw.std
        return float(std**2) if isinstance(std, float) else std.variances(*endpoints(factor))
    if isinstance(factor, Kron | Blocks) and isinstance(draw.std, float):
        height, width = largest_block(factor)
        return float(draw.std**2) / max(height, width * area)
    heights, widths = block_sizes(factor)
    squares: Array = np.square(np.broadcast_to(edge_std(factor, draw.std), (factor.edges,)))
    longest: Array = np.repeat(np.maximum(heights, widths * area), widths)
    return np.divide(squares, longest)
