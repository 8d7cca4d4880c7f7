"""Sparse matrices of exact 64-bit counts as lists of entries. NumPy alone: SciPy's start costs more than it saves here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices


@dataclass(frozen=True, eq=False)
class Entries:
    """The nonzero entries of a rows × cols matrix, each once, ordered by row and then by column."""

    rows: int
    cols: int
    row: Indices
    col: Indices
    value: Indices

    @property
    def by_column(self) -> Entries:
        """The transpose."""
        order = np.argsort(self.col, kind="stable")
        return Entries(self.cols, self.rows, self.col[order], self.row[order], self.value[order])

    def row_counts(self) -> Indices:
        """Entries of each row, [rows]."""
        return np.bincount(self.row, minlength=self.rows)

    def column_counts(self) -> Indices:
        """Entries of each column, [cols]."""
        return np.bincount(self.col, minlength=self.cols)


def collect(rows: int, cols: int, row: Indices, col: Indices, value: Indices) -> Entries:
    """The matrix with these entries; entries at the same place add."""
    key = row * cols + col
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else key
    sums = np.add.reduceat(value[order], first) if len(key) else value
    places = key[first]
    return Entries(rows, cols, places // cols, places % cols, sums)


def expansion(left: Entries, right: Entries) -> int:
    """The multiplications that `left` times `right` takes."""
    return int(right.row_counts()[left.col].sum())


def product(left: Entries, right: Entries) -> Entries:
    """`left` times `right`; the caller makes sure that no sum passes 63 bits."""
    counts = right.row_counts()
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    repeats = counts[left.col]
    places = np.repeat(starts[left.col] - (np.cumsum(repeats) - repeats), repeats) + np.arange(repeats.sum())
    row = np.repeat(left.row, repeats)
    value = np.repeat(left.value, repeats) * right.value[places]
    return collect(left.rows, right.cols, row, right.col[places], value)


def row_groups(matrix: Entries) -> Indices:
    """A group number for each row, [rows]: equal rows share one, rows without entries have −1.

    Rows are compared by two hashes, then entry by entry with the first of their group; a row that
    only hashes alike becomes a group of its own, which costs speed and never exactness.
    """
    counts = matrix.row_counts()
    live = np.flatnonzero(counts)
    signature = np.zeros((matrix.rows, 3), np.uint64)
    signature[:, 0] = counts.astype(np.uint64)
    for place, salt in ((1, 0x9E3779B97F4A7C15), (2, 0xC2B2AE3D27D4EB4F)):
        terms = _mixed(
            matrix.col.astype(np.uint64) * np.uint64(salt) + _mixed(matrix.value.astype(np.uint64))
        )
        starts = np.concatenate([[0], np.cumsum(counts)])[:-1][live]
        if len(live):
            signature[live, place] = np.add.reduceat(terms, starts)
    groups = np.full(matrix.rows, -1, np.int64)
    if len(live):
        groups[live] = _verified(matrix, live, _grouped(signature[live]))
    return groups


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _grouped(signature: NDArray[np.uint64]) -> Indices:
    """Numbers of equal signatures, [live], counted in order of first appearance."""
    order = np.lexsort(signature.T)
    ordered = signature[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    labels = np.empty(len(order), np.int64)
    labels[order] = np.cumsum(new) - 1
    _, first = np.unique(labels, return_index=True)
    return np.argsort(np.argsort(first))[labels]


def _verified(matrix: Entries, live: Indices, labels: Indices) -> Indices:
    """The labels, with every row that differs from the first row of its group split off."""
    _, first = np.unique(labels, return_index=True)
    if len(first) == len(live):
        return labels
    counts = matrix.row_counts()[live]
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    offsets = np.arange(counts.sum()) - np.repeat(starts, counts)
    reference = np.repeat(starts[first[labels]], counts) + offsets
    differs = (matrix.col != matrix.col[reference]) | (matrix.value != matrix.value[reference])
    wrong = np.flatnonzero(np.bincount(np.repeat(np.arange(len(live)), counts)[differs], minlength=len(live)))
    split = labels.copy()
    split[wrong] = len(first) + np.arange(len(wrong))
    return split
