"""The ones of a matrix, gathered piece by piece in any order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import sparse
from nfc.matrices.errors import MatrixError, damaged
from nfc.matrices.request import Request

COMPACTED = 2**20
"""Unordered edges are first sorted, and searched for repeated ones, when there are so many."""

Place = Callable[[int], tuple[int, int]]
"""The row and column of an entry, from its position in a piece."""


class Ones:
    """The edges of a matrix of `request`'s shape, each kept as row · cols + column.

    Memory is 8 bytes an edge, twice that while the pieces are joined. Repeated edges are found
    each time the number of edges has doubled, so that they cannot fill the memory.
    """

    def __init__(self, request: Request) -> None:
        self._rows, self._cols, self._progress = request.rows, request.cols, request.progress
        self._pieces: list[Indices] = []
        self._count = 0
        self._last = -1
        self._ascending = True
        self._compact_at = COMPACTED

    def add(self, rows: Indices, cols: Indices) -> None:
        """Add the edges (rows[e], cols[e]), which lie inside of the matrix."""
        self.add_keys(rows * np.int64(self._cols) + cols)

    def add_keys(self, keys: Indices) -> None:
        """Add edges, each as row · cols + column."""
        if len(keys):
            ascends = int(keys[0]) > self._last and bool((keys[1:] > keys[:-1]).all())
            self._ascending = self._ascending and ascends
            self._last = int(keys[-1])
            self._pieces.append(keys)
            self._count += len(keys)
        self._progress(self._count)
        if not self._ascending and self._count >= self._compact_at:
            self._pieces = [self._joined()]
            self._compact_at = 2 * self._count

    def factor(self) -> Factor:
        """The factor of all edges.

        Raises:
            MatrixError: NF708 where an edge was added twice.
        """
        keys = self._joined()
        indptr = np.searchsorted(keys, np.arange(self._rows + 1) * np.int64(self._cols)).astype(np.int64)
        return sparse(self._cols, indptr, np.remainder(keys, self._cols, out=keys))

    def _joined(self) -> Indices:
        keys = np.concatenate(self._pieces) if self._pieces else np.empty(0, np.int64)
        self._pieces = []
        if not self._ascending:
            keys.sort()
            repeated = np.flatnonzero(keys[1:] == keys[:-1])
            if len(repeated):
                row, col = divmod(int(keys[repeated[0]]), self._cols)
                raise MatrixError("NF708", f"has an entry twice, at row {row}, column {col}")
        return keys


def ones(values: NDArray[np.generic], place: Place) -> Indices:
    """The positions of the ones among values that are 0 or 1.

    Raises:
        MatrixError: NF708 for another value, with its place in the matrix.
    """
    with np.errstate(invalid="ignore"):
        # Ten times as fast as the positions of numbers.
        found = np.flatnonzero(values != 0)
        others = np.flatnonzero(values[found] != 1)
    if len(others):
        position = int(found[others[0]])
        row, col = place(position)
        value = values[position].item()
        raise MatrixError("NF708", f"holds {value} at row {row}, column {col}; its entries are to be 0 or 1")
    return found


def edges_among(
    rows: Indices, cols: Indices, values: NDArray[np.generic] | None, request: Request, first: int
) -> tuple[Indices, Indices]:
    """The (rows, columns) of the ones among entries, whose indices are counted from 0.

    Args:
        values: None where every entry is a one.
        first: from what the file counts.

    Raises:
        MatrixError: NF707 for an index outside of the matrix, NF708 for a value other than 0 and 1.
    """
    outside = np.flatnonzero((rows < 0) | (rows >= request.rows) | (cols < 0) | (cols >= request.cols))
    if len(outside):
        row, col = int(rows[outside[0]]) + first, int(cols[outside[0]]) + first
        shape = f"{request.rows} × {request.cols}"
        raise damaged(
            f"has an entry at row {row}, column {col}, outside of its {shape}, counted from {first}"
        )
    if values is None:
        return rows, cols
    chosen = ones(values, lambda at: (int(rows[at]), int(cols[at])))
    return rows[chosen], cols[chosen]
