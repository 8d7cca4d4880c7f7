"""Edge variances of one factor under each scheme, for inputs and outputs of second moment 1.

A regular factor, where all live outputs have one fan-in and all live inputs one fan-out, gets one
number; any other an array in CSR order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Blocks, Factor, Indices, Kron, Shifts
from nfc.passes.balance import balance, column_target, pattern_of

Variance = float | NDArray[np.float64]

BADLY_OFF = 10.0
"""How far an input's share of the gradient may lie from the mean before a warning is due."""


@dataclass(frozen=True, eq=False)
class EdgeVariance:
    """The variances; with `balanced`, also the inputs far out of balance: (input, column sum over the mean)."""

    values: Variance
    unbalanced: tuple[tuple[int, float], ...] = ()


def edge_variance(factor: Factor, scheme: str) -> EdgeVariance:
    """Variances of the edges of `factor` under `balanced`, `xavier`, `kaiming` or `dense_xavier`."""
    if scheme == "dense_xavier":
        return EdgeVariance(2.0 / (factor.rows + factor.cols))
    degrees = regular_degrees(factor)
    if degrees is not None:
        fan_in, fan_out = degrees
        return EdgeVariance(2.0 / (fan_in + fan_out) if scheme == "xavier" else 1.0 / fan_in)
    match scheme:
        case "xavier":
            pattern = pattern_of(factor)
            return EdgeVariance(2.0 / (factor.fan_in()[pattern.row] + factor.fan_out()[pattern.column]))
        case "kaiming":
            return EdgeVariance(_by_row(factor))
        case "balanced":
            values = balance(factor)
            return EdgeVariance(values, _badly_off(factor, values))
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


def _by_row(factor: Factor) -> Variance:
    fan_in = factor.fan_in()
    constant = _constant(fan_in)
    return 1.0 / constant if constant is not None else 1.0 / np.repeat(fan_in, fan_in)


def _badly_off(factor: Factor, values: NDArray[np.float64]) -> tuple[tuple[int, float], ...]:
    fan_out = factor.fan_out()
    target = column_target(factor.fan_in(), fan_out)
    sums = pattern_of(factor).column_sums(values)
    ratio = np.divide(sums, target, out=np.ones_like(sums), where=fan_out > 0)
    found = np.flatnonzero((ratio > BADLY_OFF) | (ratio < 1.0 / BADLY_OFF))
    return tuple((int(index), float(ratio[index])) for index in found)
