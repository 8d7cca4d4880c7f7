"""Edge variances of one factor under each scheme, for inputs and outputs of second moment 1.

A regular factor, where all live outputs have one fan-in and all live inputs one fan-out, gets one
number; any other numbers of its rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from nfc.ir.deviations import ByDegrees, ByRow, Deviations, edge_slices
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted, Shifts
from nfc.passes.balance import balance, column_target
from nfc.passes.sinkhorn import ratio

Values = NDArray[np.float64]

BADLY_OFF = 10.0
"""How far an input's share of the gradient may lie from the mean before a warning is due."""


@dataclass(frozen=True, eq=False)
class EdgeVariance:
    """The variances of one factor's edges for outputs of second moment 1.

    Attributes:
        values: one for all edges, or what gives one for each.
        fan_in: with `balanced`, how many edges of equal variance would carry an output as these do:
            (Σ s)² / Σ s² over its edges, the harmonic mean over the outputs.
        unbalanced: with `balanced`, the inputs far out of balance: (input, column sum over the mean).
    """

    values: float | Deviations
    fan_in: float = inf
    unbalanced: tuple[tuple[int, float], ...] = ()


def edge_variance(factor: Factor, scheme: str) -> EdgeVariance:
    """Variances of the edges of `factor` under `balanced`, `xavier`, `kaiming` or `dense_xavier`."""
    if scheme == "dense_xavier":
        return EdgeVariance(2.0 / (factor.rows + factor.cols))
    degrees = regular_degrees(factor)
    if degrees is not None:
        fan_in, fan_out = degrees
        return EdgeVariance(2.0 / (fan_in + fan_out) if scheme == "xavier" else 1.0 / fan_in, fan_in)
    match scheme:
        case "xavier":
            return EdgeVariance(_by_degrees(factor))
        case "kaiming":
            return EdgeVariance(_by_row(factor))
        case "balanced":
            return _measured(factor, _by_row(factor) if isinstance(factor, Restricted) else balance(factor))
        case other:
            raise ValueError(f"no scheme of edge variances is called {other}")


def regular_degrees(factor: Factor) -> tuple[int, int] | None:
    """(fan-in, fan-out) where all live neurons have the same, else None; 1 stands for none at all."""
    match factor:
        case Kron(b=b, c=c):
            return c, b
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            return col_sets.shape[1], row_sets.shape[1]
        case Shifts(offsets=offsets):
            return len(offsets), len(offsets)
    fan_in, fan_out = _constant(factor.fan_in()), _constant(factor.fan_out())
    return None if fan_in is None or fan_out is None else (fan_in, fan_out)


def _constant(degrees: Indices) -> int | None:
    live = degrees[degrees > 0]
    if not len(live):
        return 1
    return int(live[0]) if (live == live[0]).all() else None


def _by_degrees(factor: Factor) -> ByDegrees:
    fan_in, fan_out = factor.fan_in(), factor.fan_out()
    return ByDegrees(np.ones(factor.rows), fan_in.astype(np.float64), fan_out.astype(np.float64))


def _by_row(factor: Factor) -> float | ByRow:
    """1 / fan-in. It is also the balance of disjoint dense blocks, in which all columns are alike."""
    fan_in = factor.fan_in()
    constant = _constant(fan_in)
    return 1.0 / constant if constant is not None else ByRow(ratio((fan_in > 0).astype(np.float64), fan_in))


def _measured(factor: Factor, variance: float | Deviations) -> EdgeVariance:
    """The variances with what is told of `balanced` ones."""
    sums, squares, columns = np.zeros(factor.rows), np.zeros(factor.rows), np.zeros(factor.cols)
    for _, row, column in edge_slices(factor):
        values = (
            np.full(len(row), variance) if isinstance(variance, float) else variance.variances(row, column)
        )
        np.add.at(sums, row, values)
        np.add.at(squares, row, values**2)
        np.add.at(columns, column, values)
    live = sums > 0.0
    fan_in = 1.0 / float(np.mean(squares[live] / sums[live] ** 2))
    return EdgeVariance(variance, fan_in, _badly_off(factor, columns))


def _badly_off(factor: Factor, sums: Values) -> tuple[tuple[int, float], ...]:
    """The inputs far out of balance, from the sums of their columns, [cols]."""
    fan_out = factor.fan_out()
    target = column_target(factor.fan_in(), fan_out)
    share = np.divide(sums, target, out=np.ones_like(sums), where=fan_out > 0)
    found = np.flatnonzero((share > BADLY_OFF) | (share < 1.0 / BADLY_OFF))
    return tuple((int(index), float(share[index])) for index in found)
