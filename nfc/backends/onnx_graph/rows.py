"""Rows of a sparse matrix in groups of like fan-in, for products by gathering.

A group is a table of inputs and one of weights, padded to the largest fan-in in it (sliced ELLPACK
with sorted rows, SELL-C-σ: Kreutzer et al., 2014). Rows of a group differ by less than a quarter in
fan-in, and a group is cut where its gathered values would leave the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

GATHERED_BYTES = 2**20
"""Bytes of gathered float32 values in one group: two to three times faster than all at once, where that is much."""

MOST_GROUPS = 256
"""Groups of the same fan-in: a node costs microseconds at each run and hundreds of bytes in the file."""


@dataclass(frozen=True, eq=False)
class RowGroup:
    """rows [r], inputs [r, k] and weights [r, k] with zeros as padding."""

    rows: Indices
    inputs: Indices
    weights: NDArray[np.float32]


def row_groups(
    indptr: Indices, indices: Indices, values: NDArray[np.float32], batch: int | None
) -> Iterator[RowGroup]:
    """The groups from the smallest fan-in; rows without edges have one of weight 0.

    Args:
        batch: rows of the value that is gathered from; None does not cut the groups.
    """
    counts = np.diff(indptr)
    for rows in _alike(np.maximum(counts, 1)):
        width = max(1, int(counts[rows].max()))
        for part in np.array_split(rows, pieces(len(rows), width, batch)):
            yield _group(part, width, indptr, indices, values)


def pieces(rows: int, width: int, batch: int | None) -> int:
    """Into how many parts a group is cut."""
    if batch is None:
        return 1
    return min(-(-4 * rows * width * batch // GATHERED_BYTES), MOST_GROUPS, rows)


def _alike(counts: Indices) -> Iterator[Indices]:
    """Rows whose fan-ins share their three leading binary digits; all of them where none differs."""
    if (counts == counts[0]).all():
        yield np.arange(len(counts), dtype=np.int64)
        return
    unit = 2 ** np.maximum(np.floor(np.log2(counts)).astype(np.int64) - 2, 0)
    widths = -(-counts // unit) * unit
    for width in np.unique(widths):
        yield np.flatnonzero(widths == width)


def _group(
    rows: Indices, width: int, indptr: Indices, indices: Indices, values: NDArray[np.float32]
) -> RowGroup:
    slots = np.arange(width)
    real = slots < np.diff(indptr)[rows, None]
    edges = np.where(real, indptr[rows, None] + slots, 0)
    inputs = np.zeros(real.shape, np.int64)
    weights = np.zeros(real.shape, np.float32)
    inputs[real], weights[real] = indices[edges[real]], values[edges[real]]
    return RowGroup(rows, inputs, weights)
