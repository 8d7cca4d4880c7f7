"""The sampled dense-dense product: entries of g xᵀ at the edges of a sparse matrix alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices

SLICE = 2**18
"""Numbers gathered at once, few enough for a processor's cache."""
SLAB = 2**20
"""Entries of a dense product held at once."""
DENSE = 0.1
"""From this density on, a dense product of whole rows is faster than gathering a row an edge."""


def sampled_product(
    g: NDArray[Any], x: NDArray[Any], indptr: Indices, indices: Indices, out: NDArray[Any]
) -> None:
    """out[e] = g[row e] · x[column e] for the edges e of a CSR pattern.

    Args:
        g: [rows, batch].
        x: [cols, batch].
        indptr: [rows + 1].
        indices: [edges].
        out: [edges], written.
    """
    rows, cols = len(g), len(x)
    if len(indices) >= DENSE * rows * cols:
        _of_slabs(g, x, indptr, indices, out)
    else:
        _of_rows(g, x, indptr, indices, out)


def _of_slabs(g: NDArray[Any], x: NDArray[Any], indptr: Indices, indices: Indices, out: NDArray[Any]) -> None:
    height = max(1, SLAB // len(x))
    for start in range(0, len(g), height):
        some = slice(start, min(start + height, len(g)))
        edges = slice(indptr[some.start], indptr[some.stop])
        row = np.repeat(np.arange(some.stop - some.start), np.diff(indptr[some.start : some.stop + 1]))
        out[edges] = (g[some] @ x.T)[row, indices[edges]]


def _of_rows(g: NDArray[Any], x: NDArray[Any], indptr: Indices, indices: Indices, out: NDArray[Any]) -> None:
    """The rows with equally many edges together."""
    degrees = np.diff(indptr)
    if degrees.min() == degrees.max():
        _of_table(g, x, indices.reshape(len(g), -1), out.reshape(len(g), -1))
        return
    for degree in np.unique(degrees[degrees > 0]):
        rows = np.flatnonzero(degrees == degree)
        edges = indptr[rows, None] + np.arange(degree)
        found = np.empty(edges.shape, out.dtype)
        _of_table(g[rows], x, indices[edges], found)
        out[edges] = found


def _of_table(g: NDArray[Any], x: NDArray[Any], table: Indices, out: NDArray[Any]) -> None:
    """Where every row has the same number of edges: [rows, count, batch] @ [rows, batch, 1]."""
    height = max(1, SLICE // max(1, table.shape[1] * g.shape[1]))
    for start in range(0, len(g), height):
        some = slice(start, start + height)
        np.matmul(x[table[some]], g[some, :, None], out=out[some, :, None])
