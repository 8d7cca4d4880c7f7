"""Standard deviations of a factor's weights, edge by edge, from numbers of its rows and columns.

A record holds O(rows + cols) numbers, and the variance of the edge from input i to output j is a
formula in those of row j and column i. They are float64, and every formula is made of +, ·, ÷, min
and √ in the order that is written, which IEEE 754 rounds in one way alone: emitted programs that
follow it get the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices
from nfc.ir.recovery.components import row_slices

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ByRow:
    """scale_j: one variance for all edges of a row; scale is [rows]."""

    kind: ClassVar[str] = "by_row"
    scale: Values

    def variances(self, row: Indices, column: Indices) -> Values:
        """The variances of the edges from the inputs `column` to the outputs `row`, [edges]."""
        return self.scale[row]


@dataclass(frozen=True, eq=False)
class ByDegrees:
    """scale_j · (2 / (fan_in_j + fan_out_i)): Glorot and Bengio's with each neuron's own degrees.

    scale and fan_in are [rows], fan_out is [cols].
    """

    kind: ClassVar[str] = "by_degrees"
    scale: Values
    fan_in: Values
    fan_out: Values

    def variances(self, row: Indices, column: Indices) -> Values:
        """The variances of the edges from the inputs `column` to the outputs `row`, [edges]."""
        return self.scale[row] * (2.0 / (self.fan_in[row] + self.fan_out[column]))


@dataclass(frozen=True, eq=False)
class Separable:
    """scale_j · v_i: a pattern between two diagonals. scale is [rows], v is [cols]."""

    kind: ClassVar[str] = "separable"
    scale: Values
    v: Values

    def variances(self, row: Indices, column: Indices) -> Values:
        """The variances of the edges from the inputs `column` to the outputs `row`, [edges]."""
        return self.scale[row] * self.v[column]


@dataclass(frozen=True, eq=False)
class Floored:
    """scale_j · (u_j · v_i + min(p_j, q_i)), or scale_j · min(p_j, q_i) between two blocks.

    A pattern, taken apart into blocks, between two diagonals and on a floor. scale, u, p and
    row_block are [rows], v, q and column_block [cols]; the blocks are numbers that are compared.
    """

    kind: ClassVar[str] = "floored"
    scale: Values
    u: Values
    v: Values
    p: Values
    q: Values
    row_block: Values
    column_block: Values

    def variances(self, row: Indices, column: Indices) -> Values:
        """The variances of the edges from the inputs `column` to the outputs `row`, [edges]."""
        inside = self.row_block[row] == self.column_block[column]
        product: Values = np.where(inside, self.u[row] * self.v[column], 0.0)
        floor: Values = np.minimum(self.p[row], self.q[column])
        return self.scale[row] * (product + floor)


Deviations = ByRow | ByDegrees | Separable | Floored
KINDS: dict[str, type[Deviations]] = {
    "by_row": ByRow,
    "by_degrees": ByDegrees,
    "separable": Separable,
    "floored": Floored,
}
PER_COLUMN = ("fan_out", "v", "q", "column_block")
"""The fields of [cols] numbers; all others are [rows]."""


def deviations(variance: float | Deviations, target: float | Values) -> float | Deviations:
    """Standard deviations whose squares are the variances of row j times target_j, a number or [rows]."""
    if not isinstance(variance, float):
        return replace(variance, scale=variance.scale * target)
    return float(np.sqrt(variance * target)) if isinstance(target, float) else ByRow(variance * target)


def scaled(std: float | Deviations, gain: float) -> float | Deviations:
    """Standard deviations with variances `gain` times as great."""
    return std * float(np.sqrt(gain)) if isinstance(std, float) else deviations(std, gain)


def edge_std(factor: Factor, std: float | Deviations) -> float | Values:
    """One standard deviation for all edges, or one for each in CSR order, [edges]."""
    if isinstance(std, float):
        return std
    result = np.empty(factor.edges)
    for edges, row, column in edge_slices(factor):
        np.sqrt(std.variances(row, column), out=result[edges])
    return result


def weight_std(factor: Factor, std: float | Deviations, window: tuple[int, ...] = ()) -> float | Values:
    """One standard deviation for all weights, or one for each: every entry of an edge's kernel has the edge's."""
    each = edge_std(factor, std)
    return each if isinstance(each, float) or not window else each.repeat(prod(window))


def edge_slices(factor: Factor) -> Iterator[tuple[slice, Indices, Indices]]:
    """(which edges, the row of each, the column of each), whole rows at a time, in CSR order."""
    indptr, indices = factor.arrays()
    for rows in row_slices(indptr):
        bounds = indptr[rows.start : rows.stop + 1]
        edges = slice(int(bounds[0]), int(bounds[-1]))
        yield edges, np.repeat(np.arange(rows.start, rows.stop), np.diff(bounds)), indices[edges]
