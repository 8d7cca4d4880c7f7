"""Edges and clusters of kernels without structure, as the printer stores them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices
from nfc.lowering.kernels import csr, shape_of
from nfc.lowering.plan import Clustered, Unstructured


def coordinates(kernel: Unstructured) -> tuple[Indices, Indices]:
    """The row and the column of each edge, [edges] both."""
    indptr, indices = csr(kernel)
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr)), indices


def cluster_blocks(kernel: Clustered, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The blocks of clusters, [clusters, height, width], zero where there is no edge."""
    rows, cols = shape_of(kernel.kernel)
    clusters, height = kernel.row_sets.shape
    width = kernel.col_sets.shape[1]
    real = kernel.row_sets.reshape(-1) < rows
    line = np.empty(rows, np.int64)
    line[kernel.row_sets.reshape(-1)[real]] = np.flatnonzero(real)
    # a repeated input is padding: of equal keys the sorted search finds the first
    keys = (np.arange(clusters, dtype=np.int64)[:, None] * cols + kernel.col_sets).reshape(-1)
    sequence = np.argsort(keys, kind="stable")
    row, column = coordinates(kernel.kernel)
    wanted = line[row] // height * cols + column
    slot = sequence[np.searchsorted(keys[sequence], wanted)] % width
    blocks = np.zeros((clusters * height, width), np.float32)
    blocks[line[row], slot] = weights
    return blocks.reshape(clusters, height, width)


def cluster_places(kernel: Clustered) -> Indices:
    """Where each row's output lies among those of the clusters, [rows]."""
    rows, _ = shape_of(kernel.kernel)
    flat = kernel.row_sets.reshape(-1)
    places = np.empty(rows, np.int64)
    places[flat[flat < rows]] = np.flatnonzero(flat < rows)
    return places
