"""Complete bipartite components: patterns in which any two rows read the same columns or none in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nfc.ir.factors import Indices

SLICE = 2**18
"""Edges that are looked at together, except in a single row."""

NONE = -1
"""The component of a neuron without edges."""


@dataclass(frozen=True, eq=False)
class Components:
    """A pattern whose components are complete.

    Attributes:
        row_component: the component of each row, [rows]; NONE for a row without edges. Components
            are numbered by their first row.
        col_component: that of each column, [cols].
        count: how many there are; each has a row and a column.
    """

    row_component: Indices
    col_component: Indices
    count: int

    @cached_property
    def heights(self) -> Indices:
        """Rows of each component, [count]."""
        return _sizes(self.row_component, self.count)

    @cached_property
    def widths(self) -> Indices:
        """Columns of each component, [count]."""
        return _sizes(self.col_component, self.count)

    @property
    def are_equal(self) -> bool:
        """Whether there are any, all of one height and one width."""
        return self.count > 0 and all(sizes.min() == sizes.max() for sizes in (self.heights, self.widths))

    @property
    def hold_all(self) -> bool:
        """Whether each row and each column has a component."""
        return bool((self.row_component != NONE).all() and (self.col_component != NONE).all())

    @property
    def edges(self) -> int:
        return int(self.heights @ self.widths)


def complete_components(cols: int, indptr: Indices, indices: Indices) -> Components | None:
    """The components of a CSR pattern if all of them are complete, else None."""
    counts = np.diff(indptr)
    live = np.flatnonzero(counts)
    first_column = indices[indptr[live]]
    # Rows of a complete component share their first column; its first row speaks for the others.
    leader_of = np.full(cols, NONE, np.int64)
    leader_of[first_column[::-1]] = live[::-1]
    leader = leader_of[first_column]
    leaders = live[leader == live]
    widths = counts[leaders]
    if widths.sum() > cols or not np.array_equal(counts[live], counts[leader]):
        return None
    col_component = np.full(cols, NONE, np.int64)
    col_component[indices[ranges(indptr[leaders], widths)]] = np.repeat(np.arange(len(leaders)), widths)
    if np.count_nonzero(col_component != NONE) != widths.sum():
        return None
    row_component = np.full(len(counts), NONE, np.int64)
    row_component[live] = np.searchsorted(leaders, leader)
    for rows in row_slices(indptr):
        columns = indices[indptr[rows.start] : indptr[rows.stop]]
        if (col_component[columns] != np.repeat(row_component[rows], counts[rows])).any():
            return None
    return Components(row_component, col_component, len(leaders))


def numbered(row_label: Indices, col_label: Indices) -> Components:
    """Components from labels of rows and columns, equal where they are joined; NONE for no component.

    A label that only rows or only columns have is no component.
    """
    labels = 1 + int(max(row_label.max(initial=NONE), col_label.max(initial=NONE)))
    joined = (_sizes(row_label, labels) > 0) & (_sizes(col_label, labels) > 0)
    first_row = first_and_last(row_label, labels)[0]
    by_row = np.full(len(row_label), NONE, np.int64)
    by_row[first_row[joined]] = np.flatnonzero(joined)
    order = by_row[by_row != NONE]
    component = np.full(labels + 1, NONE, np.int64)  # the last is that of NONE
    component[order] = np.arange(len(order))
    return Components(component[row_label], component[col_label], len(order))


def pattern(components: Components) -> tuple[Indices, Indices]:
    """CSR (indptr [rows + 1], indices [edges])."""
    live = components.row_component != NONE
    widths = components.widths
    counts = np.where(live, widths[components.row_component] if components.count else 0, 0)
    starts = np.cumsum(widths) - widths
    chosen = ranges(starts[components.row_component[live]], counts[live])
    indices = members(components.col_component)[chosen]
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), indices


def members(component: Indices) -> Indices:
    """The neurons that have a component, by component, then by number."""
    order = np.argsort(component, kind="stable").astype(np.int64)
    return order[np.count_nonzero(component == NONE) :]


def first_and_last(component: Indices, count: int) -> tuple[Indices, Indices]:
    """The first and the last neuron of each component, [count] each."""
    neurons = np.flatnonzero(component != NONE)
    first, last = np.zeros(count, np.int64), np.zeros(count, np.int64)
    first[component[neurons[::-1]]] = neurons[::-1]
    last[component[neurons]] = neurons
    return first, last


def ranges(starts: Indices, counts: Indices) -> Indices:
    """start, start + 1, … of each range, one range after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def row_slices(indptr: Indices) -> Iterator[slice]:
    """The rows in slices of about SLICE edges, and of at most as many rows."""
    rows, start = len(indptr) - 1, 0
    while start < rows:
        stop = int(np.searchsorted(indptr, indptr[start] + SLICE, side="right")) - 1
        stop = min(max(stop, start + 1), start + SLICE)
        yield slice(start, stop)
        start = stop


def _sizes(component: Indices, count: int) -> Indices:
    return np.bincount(component + 1, minlength=count + 1)[1:].astype(np.int64, copy=False)
