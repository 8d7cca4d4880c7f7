"""Set operations on sorted edges: any two patterns, in time and memory that grow with their edges."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Factor, Flags, Indices
from nfc.ir.recovery.components import row_slices
from nfc.ir.structure import sparse

SLICE = 2**20
"""Pairs of outputs and inputs that a complement looks at together, except in a single row."""


def merged(operator: str, left: Factor, right: Factor) -> Factor:
    """The union `|`, intersection `&` or difference `-` of two patterns of one shape."""
    left_ends, left_columns = left.arrays()
    right_ends, right_columns = right.arrays()
    columns = np.empty(_most(operator, left, right), np.int64)
    counts = np.empty(left.rows, np.int64)
    filled = 0
    for rows in row_slices(left_ends + right_ends):
        keys = np.concatenate(
            [
                _keys(rows, left_ends, left_columns, left.cols),
                _keys(rows, right_ends, right_columns, left.cols) + 1,
            ]
        )
        keys.sort(kind="stable")  # two sorted runs: a single merge
        kept = keys[_chosen(operator, keys)] >> 1
        row = kept // left.cols
        columns[filled : filled + len(kept)] = kept - row * left.cols
        counts[rows] = np.bincount(row, minlength=rows.stop - rows.start)
        filled += len(kept)
    columns.resize(filled, refcheck=False)
    return sparse(left.cols, _ends(counts), columns)


def complement(factor: Factor) -> Factor:
    """The edges that a pattern lacks; rows · cols − edges of them."""
    ends, present = factor.arrays()
    columns = np.empty(factor.rows * factor.cols - factor.edges, np.int64)
    filled = 0
    height = max(1, SLICE // factor.cols)
    for start in range(0, factor.rows, height):
        rows = slice(start, min(start + height, factor.rows))
        absent = np.ones((rows.stop - start) * factor.cols, np.bool_)
        absent[_keys(rows, ends, present, factor.cols) >> 1] = False
        kept = np.flatnonzero(absent) % factor.cols
        columns[filled : filled + len(kept)] = kept
        filled += len(kept)
    return sparse(factor.cols, _ends(factor.cols - np.diff(ends)), columns)


def nothing(rows: int, cols: int) -> Factor:
    """The pattern without edges."""
    return sparse(cols, np.zeros(rows + 1, np.int64), np.zeros(0, np.int64))


def _most(operator: str, left: Factor, right: Factor) -> int:
    """A number of edges that the result does not exceed."""
    match operator:
        case "|":
            return left.edges + right.edges
        case "&":
            return min(left.edges, right.edges)
        case _:
            return left.edges


def _keys(rows: slice, ends: Indices, columns: Indices, cols: int) -> Indices:
    """2 · (row · cols + column) for the edges of some rows, counted from the first of them; ascending."""
    ends = ends[rows.start : rows.stop + 1]
    row = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    return 2 * (row * cols + columns[ends[0] : ends[-1]])


def _chosen(operator: str, keys: Indices) -> Flags:
    """Which sorted keys stay: an edge of both patterns has two, the left one first."""
    in_both = np.zeros(len(keys), np.bool_)  # at the left pattern's key
    in_both[:-1] = keys[:-1] >> 1 == keys[1:] >> 1
    match operator:
        case "|":
            return ~in_both
        case "&":
            return in_both
        case _:
            from_left: Flags = keys & 1 == 0
            return from_left & ~in_both


def _ends(counts: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
