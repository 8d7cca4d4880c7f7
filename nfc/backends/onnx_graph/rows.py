"""Rows of a sparse matrix in groups of about equal fan-in, for products by gathering.

A group is a table of inputs and one of weights, padded to the next power of two of the fan-in
(sliced ELLPACK: Monakov, Lokhmotov and Avetisyan, 2010): less than twice the edges in all, in at
most log2 of the largest fan-in groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices


@dataclass(frozen=True, eq=False)
class RowGroup:
    """rows [r], inputs [r, k] and weights [r, k] with zeros as padding."""

    rows: Indices
    inputs: Indices
    weights: NDArray[np.float32]


def row_groups(indptr: Indices, indices: Indices, values: NDArray[np.float32]) -> Iterator[RowGroup]:
    """The groups from the smallest fan-in; rows without edges have one of weight 0."""
    counts = np.diff(indptr)
    if len(counts) and (counts == counts[0]).all() and counts[0]:
        shape = (len(counts), int(counts[0]))
        yield RowGroup(np.arange(len(counts)), indices.reshape(shape), values.reshape(shape))
        return
    widths = 2 ** np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64)
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        slots = np.arange(width)
        real = slots < counts[rows, None]
        edges = np.where(real, indptr[rows, None] + slots, 0)
        inputs = np.zeros(real.shape, np.int64)
        weights = np.zeros(real.shape, np.float32)
        inputs[real], weights[real] = indices[edges[real]], values[edges[real]]
        yield RowGroup(rows, inputs, weights)
