"""Orthonormal blocks, by a frozen rule.

Blocks are numbered in the order of their first rows, those of I_a ⊗ 1_{b×c} ⊗ I_d by i·d + l.
Gaussian numbers by Box and Muller (1958) from consecutive pairs of Philox numbers fill one block
after the other, each as [tall, thin], tall = max(height, width); one QR decomposition a block, the
columns of Q with such signs that R's diagonal is positive (Mezzadri, "How to generate random
matrices from the classical compact groups", Notices of the AMS 54, 2007), so that Q is
Haar-distributed; where height < width it is transposed. What stands at an edge is multiplied by the
edge's std in float64 and rounded once to float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc import philox
from nfc.ir.deviations import weight_std
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted
from nfc.ir.network import Draw

BLOCK_FACTORS = (Kron, Blocks, Restricted)
"""The factors that are disjoint dense blocks."""


def orthogonal_weights(
    factor: Factor, draw: Draw, seed: int, window: tuple[int, ...] = ()
) -> NDArray[np.float32]:
    """Each block of one of BLOCK_FACTORS with orthonormal rows or columns, times the draw's std.

    A kernel's entries count as so many columns of the block, side by side.
    """
    area = prod(window)
    numbers = normal(seed, draw.stream, factor.edges * area)
    weights = np.empty(factor.edges * area)
    for first, edges in windowed_blocks(factor, area):
        _, height, width = edges.shape
        tall, thin = max(height, width), min(height, width)
        gaussian = numbers[first[:, None] + np.arange(tall * thin)].reshape(-1, tall, thin)
        blocks, upper = np.linalg.qr(gaussian)
        diagonal = np.diagonal(upper, axis1=1, axis2=2)
        blocks = blocks * np.where(diagonal < 0.0, -1.0, 1.0)[:, None, :]
        weights[edges] = blocks if height >= width else blocks.transpose(0, 2, 1)
    weights *= weight_std(factor, draw.std, window)
    return weights.astype(np.float32).reshape(*factor.weight_shape, *window)


def normal(seed: int, stream: int, count: int) -> NDArray[np.float64]:
    """The first `count` standard normal numbers of (seed, stream).

    z[2k] = √(−2 ln u[2k]) cos(2π u[2k + 1]) and z[2k + 1] the same with the sine.
    """
    u = philox.uniform(seed, stream, 2 * ((count + 1) // 2)).reshape(-1, 2)
    radius, angle = np.sqrt(-2.0 * np.log(u[:, 0])), 2.0 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]


def windowed_blocks(factor: Factor, area: int) -> Iterator[tuple[Indices, Indices]]:
    """As `equal_blocks`, for edges that hold `area` weights each: [blocks, height, width · area]."""
    for first, edges in equal_blocks(factor):
        weights = edges[..., None] * area + np.arange(area)
        yield first * area, weights.reshape(*edges.shape[:2], -1)


def equal_blocks(factor: Factor) -> Iterator[tuple[Indices, Indices]]:
    """The blocks of one of BLOCK_FACTORS, those of one size together.

    Yields:
        how many edges lie in the blocks before each, [blocks], and the places of its edges in CSR
        order, [blocks, height, width].
    """
    match factor:
        case Kron(a=a, b=b, c=c, d=d):
            edges = np.arange(factor.edges).reshape(a, b, d, c).transpose(0, 2, 1, 3).reshape(-1, b, c)
            yield np.arange(len(edges)) * b * c, edges
        case Blocks(row_sets=row_sets):
            edges = np.arange(factor.edges).reshape(factor.rows, -1)[row_sets]
            yield np.arange(len(edges)) * edges[0].size, edges
        case Restricted():
            yield from _cut_blocks(factor)
        case _:
            raise ValueError(f"a factor of kind {factor.kind} is not made of dense blocks")


def block_sizes(factor: Factor) -> tuple[Indices, Indices]:
    """The height and the width of the block that each row of one of BLOCK_FACTORS lies in, [rows] both."""
    if isinstance(factor, Restricted):
        widths = factor.fan_in()
        return np.where(widths > 0, factor.of_row(factor.block_heights), 0), widths
    indptr, indices = factor.arrays()
    widths = np.diff(indptr)
    heights = np.zeros_like(widths)
    heights[widths > 0] = factor.fan_out()[indices[indptr[:-1][widths > 0]]]
    return heights, widths


def largest_block(factor: Factor) -> tuple[int, int]:
    """The greatest height and the greatest width of a block of one of BLOCK_FACTORS."""
    match factor:
        case Kron(b=b, c=c):
            return b, c
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return row_sets.shape[1], col_sets.shape[1]
        case _:
            heights, widths = block_sizes(factor)
            return int(heights.max(initial=0)), int(widths.max(initial=0))


def _cut_blocks(factor: Restricted) -> Iterator[tuple[Indices, Indices]]:
    base, places = factor.base, factor.block_positions()
    row = places // base.c
    block = row // (base.b * base.d) * base.d + row % base.d
    order = np.argsort(block, kind="stable")
    opens = np.diff(row, prepend=-1) > 0
    sizes = np.bincount(block, minlength=base.a * base.d)
    heights = np.bincount(block[opens], minlength=len(sizes))
    first = np.cumsum(sizes) - sizes
    for size, height in np.unique(np.stack([sizes, heights], axis=1)[sizes > 0], axis=0):
        alike = first[(sizes == size) & (heights == height)]
        yield alike, order[alike[:, None] + np.arange(size)].reshape(len(alike), height, -1)
