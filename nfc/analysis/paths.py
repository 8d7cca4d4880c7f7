"""Paths through a fabric: exact counts, connectedness and reach (LANGUAGE, section 5).

P is the product of the factors' 0/1 matrices, branches of sums added, over the outputs and inputs
that have an edge. Four ways to look at it, the first that applies:

1. The edges themselves, of a single factor.
2. One column, where translations of the inputs move the outputs alike (butterflies, tori, hypercubes).
3. The quotient by equal rows and columns (permuted, cut and rectangular butterflies, low rank, blocks).
4. All columns, in slices. Where that passes `WORK` numbers it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from nfc.analysis.degrees import live_inputs, live_outputs
from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.analysis.quotient import Quotient, quotient
from nfc.analysis.slices import (
    Counts,
    column_cost,
    count,
    count_columns,
    extreme,
    is_translation_invariant,
    ratios,
    reach_columns,
)
from nfc.analysis.slices import total as total_of
from nfc.analysis.stages import joined
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Edges, Factor, FanIn, Flags, Indices, Shifts
from nfc.ir.mixed_radix import number, subtract

WORK = 2**34
"""Numbers that counting column by column may read and write: about a minute."""
WORD = 64
"""Columns that reachability handles in one number."""


@dataclass(frozen=True)
class Reach:
    """Which inputs reach which outputs.

    Attributes:
        pairs: outputs with an edge times inputs with an edge.
        reached: the pairs with a path.
        gap: (output, input) without a path, of the first such input the first such output.
    """

    pairs: int
    reached: int
    gap: tuple[int, int] | None

    @property
    def connected(self) -> bool:
        """Every input reaches every output; false where there is no edge at all."""
        return 0 < self.pairs == self.reached

    @property
    def share(self) -> float:
        return self.reached / self.pairs if self.pairs else 0.0


@dataclass(frozen=True)
class Paths:
    """Numbers of paths over the pairs of outputs and inputs with an edge; all 0 where there is no pair.

    Attributes:
        minimum, maximum: exact.
        mean: correctly rounded; an integer, rounded down, where it passes the largest float.
        variation: standard deviation over mean, within a few roundings.
    """

    minimum: int
    maximum: int
    mean: float
    variation: float


@once_a_fabric
def paths(fabric: Fabric) -> Paths:
    """Statistics of the path counts.

    Raises:
        PropertyError: counting them would take more than `WORK` numbers (NF506).
    """
    live = _Live(live_outputs(fabric), live_inputs(fabric))
    fabric = joined(fabric)
    if isinstance(fabric, Factor) and fabric.edges:
        return _paths_of_factor(fabric.edges, live)
    total = _total(fabric, live)
    if total == 0:
        return Paths(0, 0, 0.0, 0.0)
    minimum, maximum, squares = None, 0, 0.0
    for digits, weights in _distribution(fabric, live):
        least = extreme(digits, largest=False)
        minimum = least if minimum is None else min(minimum, least)
        maximum = max(maximum, extreme(digits, largest=True))
        squares += float((weights * (ratios(digits, total, live.pairs) - 1.0) ** 2).sum())
    assert minimum is not None
    variation = 0.0 if minimum == maximum else sqrt(squares / live.pairs)
    return Paths(minimum, maximum, _quotient_of(total, live.pairs), variation)


@once_a_fabric
def reach(fabric: Fabric) -> Reach:
    """Which share of the pairs has a path, and the first pair without one.

    Raises:
        PropertyError: it would take more than `WORK` numbers (NF506).
    """
    live = _Live(live_outputs(fabric), live_inputs(fabric))
    if live.pairs == 0:
        return Reach(0, 0, None)
    fabric = joined(fabric)
    if isinstance(fabric, Shifts | FanIn | Edges):
        return _reach_of_factor(fabric, live)
    if is_translation_invariant(fabric):
        return _reach_of_columns(fabric, np.zeros(1, np.int64), live, copies=fabric.cols)
    small = quotient(fabric)
    if small is not None:
        return _reach_of_quotient(small, live)
    _refuse_beyond(column_cost(fabric) * -(-len(live.columns) // WORD))
    return _reach_of_columns(fabric, live.columns, live, copies=1)


class _Live:
    """The outputs and inputs with an edge."""

    def __init__(self, outputs: Flags, inputs: Flags) -> None:
        self.outputs, self.inputs = outputs, inputs
        self.rows, self.columns = np.flatnonzero(outputs), np.flatnonzero(inputs)
        self.pairs = len(self.rows) * len(self.columns)


def _paths_of_factor(edges: int, live: _Live) -> Paths:
    """A pair has one path, its edge, or none."""
    variation = sqrt((live.pairs - edges) / edges)
    return Paths(int(edges == live.pairs), 1, edges / live.pairs, variation)


def _total(fabric: Fabric, live: _Live) -> int:
    """The number of all paths; those from and to neurons without edges are none."""
    ones = count(fabric, [live.inputs.astype(np.int64)[:, None]])
    return total_of(ones)


def _distribution(fabric: Fabric, live: _Live) -> Iterator[tuple[Counts, np.ndarray]]:
    """The entries of P that differ, in slices, with how often each occurs (a number, or one for each)."""
    if is_translation_invariant(fabric):
        for _, digits in count_columns(fabric, np.zeros(1, np.int64)):
            yield digits, np.array(float(fabric.cols))
        return
    small = quotient(fabric)
    if small is not None:
        yield _entries(small, live)
        return
    _refuse_beyond(column_cost(fabric) * len(live.columns))
    for _, digits in count_columns(fabric, live.columns):
        yield [digit[live.rows] for digit in digits], np.array(1.0)


def _entries(small: Quotient, live: _Live) -> tuple[Counts, np.ndarray]:
    """The entries of a quotient's matrix and their multiplicities, zero among them where it occurs."""
    heights, widths = _class_sizes(small)
    matrix = small.matrix
    weights = (heights[matrix.row] * widths[matrix.col]).astype(np.float64)
    values = matrix.value
    zeros = live.pairs - _reached(small)
    if zeros:
        values, weights = np.append(values, 0), np.append(weights, float(zeros))
    return [values], weights


def _class_sizes(small: Quotient) -> tuple[Indices, Indices]:
    heights = np.bincount(small.row_class[small.row_class >= 0], minlength=small.matrix.rows)
    return heights, np.bincount(small.col_class[small.col_class >= 0], minlength=small.matrix.cols)


def _reached(small: Quotient) -> int:
    heights, widths = _class_sizes(small)
    return int((heights[small.matrix.row] * widths[small.matrix.col]).sum())


def _reach_of_factor(factor: Shifts | FanIn | Edges, live: _Live) -> Reach:
    if factor.edges == live.pairs:
        return Reach(live.pairs, factor.edges, None)
    short = factor.fan_out()[live.columns] < len(live.rows)
    column = int(live.columns[short.argmax()])
    met = np.zeros(factor.rows, np.bool_)
    met[_readers(factor, column)] = True
    row = int(live.rows[met[live.rows].argmin()])
    return Reach(live.pairs, factor.edges, (row, column))


def _readers(factor: Shifts | FanIn | Edges, column: int) -> Indices:
    """The outputs that read an input."""
    if isinstance(factor, Shifts):
        moves = np.array([number(factor.dims, offset) for offset in factor.offsets])
        back = subtract(factor.dims, np.zeros(1, np.int64), moves)
        return subtract(factor.dims, np.array([column]), back)
    indptr, indices = factor.arrays()
    return np.searchsorted(indptr, np.flatnonzero(indices == column), side="right") - 1


def _reach_of_quotient(small: Quotient, live: _Live) -> Reach:
    """The gap's input is the first one whose class lacks a live row class, or that has no class."""
    reached = _reached(small)
    if reached == live.pairs:
        return Reach(live.pairs, reached, None)
    matrix = small.matrix
    heights, _ = _class_sizes(small)
    column_reach = np.zeros(matrix.cols + 1, np.int64)
    np.add.at(column_reach, matrix.col, heights[matrix.row])
    short = column_reach[small.col_class[live.columns]] < len(live.rows)
    column = int(live.columns[short][0])
    met = np.zeros(matrix.rows + 1, np.bool_)
    met[matrix.row[matrix.col == small.col_class[column]]] = True
    row = int(live.rows[~met[small.row_class[live.rows]]][0])
    return Reach(live.pairs, reached, (row, column))


def _reach_of_columns(fabric: Fabric, columns: Indices, live: _Live, *, copies: int) -> Reach:
    reached, gap = 0, None
    for chosen, met in reach_columns(fabric, columns):
        met = met[live.rows]
        reached += int(met.sum()) * copies
        if gap is None and not met.all():
            place = int(np.flatnonzero(~met.all(axis=0))[0])
            gap = int(live.rows[np.flatnonzero(~met[:, place])[0]]), int(chosen[place])
    return Reach(live.pairs, reached, gap)


def _refuse_beyond(work: int) -> None:
    if work > WORK:
        message = f"this property would read and write {work:.1e} numbers, more than 2^34"
        hint = "such a fabric has neither the structure nor the size for it; `fan_in`, `fan_out` and `density` are cheap"
        raise PropertyError("NF506", message, hints=(hint,))


def _quotient_of(total: int, pairs: int) -> float:
    try:
        return total / pairs
    except OverflowError:
        return total // pairs
