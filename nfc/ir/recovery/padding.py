"""What is left of a `Kron` when some of its rows and columns are gone: complete components of unequal size.

Such a factor runs as the dense blocks of a base I_a ⊗ 1_{b×c} ⊗ I_d with zeros for padding. Many
bases have the same edges left; the one that is taken has the widest stride, then the least padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nfc.ir.factors import Indices, Kron, Restricted
from nfc.ir.mixed_radix import divisors
from nfc.ir.recovery.components import NONE, Components, first_and_last

MOST_PADDING = 8
"""Entries of blocks an edge, at most: gathering an edge takes about as long as ten multiply-adds of a block."""


@dataclass(frozen=True, eq=False)
class Extremes:
    """The first and the last row and column of each component, [count] each."""

    first_row: Indices
    last_row: Indices
    first_col: Indices
    last_col: Indices


def restricted_kron(components: Components) -> Restricted | None:
    """The rows and columns of a `Kron` that have these edges; None where there is no such `Kron` or a costly one."""
    live_rows, live_cols = components.row_component != NONE, components.col_component != NONE
    if not components.count:
        return None
    extremes = Extremes(
        *first_and_last(components.row_component, components.count),
        *first_and_last(components.col_component, components.count),
    )
    shape = len(live_rows), len(live_cols)
    for stride in _strides(components, extremes):
        base = min(_bases(extremes, stride, *shape), key=_order, default=None)
        if base is not None:
            cheap = base.edges <= MOST_PADDING * components.edges
            return Restricted(base, live_rows, live_cols) if cheap else None
    return None


def _order(base: Kron) -> tuple[int, int, int]:
    return base.edges, -base.b, -base.c


def _strides(components: Components, extremes: Extremes) -> Iterator[int]:
    """The strides that there may be, widest first: neurons of a component are equal modulo the stride."""
    gap = 0
    for component in (components.row_component, components.col_component):
        neurons = np.flatnonzero(component != NONE)
        gaps = np.abs(neurons - extremes.first_row[component[neurons]])
        gap = int(np.gcd(gap, np.gcd.reduce(gaps)))
    return reversed(divisors(gap or 1))


def _bases(extremes: Extremes, stride: int, rows: int, cols: int) -> Iterator[Kron]:
    """Bases of a stride whose blocks have the least width or the least height that holds each component.

    The other size is the least, the greatest, or the one that needs no copies of blocks but the first size's own.
    """
    lane = extremes.first_row % stride
    row_span = extremes.first_row // stride, extremes.last_row // stride
    col_span = extremes.first_col // stride, extremes.last_col // stride
    height, width = _longest(*row_span), _longest(*col_span)
    blocks = _block_numbers(*col_span, width, lane, stride)
    for size in _block_sizes(blocks, *row_span, -(-rows // stride), -(-cols // (width * stride))):
        yield _base(size, width, stride, rows, cols)
    blocks = _block_numbers(*row_span, height, lane, stride)
    for size in _block_sizes(blocks, *col_span, -(-cols // stride), -(-rows // (height * stride))):
        yield _base(height, size, stride, rows, cols)


def _longest(first: Indices, last: Indices) -> int:
    return int((last - first).max()) + 1


def _block_numbers(first: Indices, last: Indices, size: int, lane: Indices, stride: int) -> Indices | None:
    """The block of each component when blocks have a size; None where one lies in two, or two meet in a lane of one."""
    block = first // size
    if not np.array_equal(block, last // size):
        return None
    places = block * stride + lane
    taken = np.zeros(int(places.max()) + 1, np.bool_)
    taken[places] = True
    return block if np.count_nonzero(taken) == len(block) else None


def _block_sizes(
    block: Indices | None, first: Indices, last: Indices, places: int, copies: int
) -> tuple[int, ...]:
    """Sizes for which places `first` to `last` lie in the given blocks: the least, the greatest, and one between.

    That one lets so many copies of the block hold all places, or comes as near to it as it can.
    """
    if block is None:
        return ()
    least = int((last // (block + 1)).max()) + 1
    later = block > 0
    greatest = int((first[later] // block[later]).min()) if later.any() else max(least, places)
    if least > greatest:
        return ()
    return least, min(greatest, max(least, -(-places // copies))), greatest


def _base(height: int, width: int, stride: int, rows: int, cols: int) -> Kron:
    copies = max(-(-rows // (height * stride)), -(-cols // (width * stride)))
    if height == width == 1:
        return Kron(copies * stride, 1, 1, 1)
    return Kron(copies, height, width, stride)
