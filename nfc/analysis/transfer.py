"""A fabric's 0/1 matrices applied to columns of numbers, without the matrices.

The same walk serves path counts (addition) and reachability (bitwise or, 64 columns a word).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Kron, Restricted, Shifts

Columns = NDArray[Any]
"""[neurons, batch], int64 or uint64."""


def apply(factor: Factor, values: Columns, combine: np.ufunc) -> Columns:
    """Each output's combination of the inputs that it reads: [cols, batch] → [rows, batch]."""
    match factor:
        case Kron():
            return _kron(factor, values, combine)
        case Restricted():
            return _restricted(factor, values, combine)
        case Blocks():
            output = np.empty((factor.rows, values.shape[1]), values.dtype)
            output[factor.row_sets] = combine.reduce(values[factor.col_sets], axis=1)[:, None, :]
            return output
        case FanIn(table=table) | Shifts(table=table):
            output = values[table[:, 0]]
            read = np.empty_like(output)
            for inputs in np.ascontiguousarray(table.T[1:]):
                values.take(inputs, axis=0, out=read, mode="clip")  # `clip` writes without a second buffer
                combine(output, read, out=output)
            return output
        case _:
            return _edges(factor, values, combine)


def cost(factor: Factor) -> int:
    """Numbers that `apply` reads and writes for each column."""
    return factor.rows + (factor.cols if isinstance(factor, Kron | Blocks | Restricted) else factor.edges)


def _kron(factor: Kron, values: Columns, combine: np.ufunc) -> Columns:
    batch = values.shape[1]
    sums = combine.reduce(values.reshape(factor.a, factor.c, factor.d, batch), axis=1, keepdims=True)
    return np.broadcast_to(sums, (factor.a, factor.b, factor.d, batch)).reshape(factor.rows, batch)


def _restricted(factor: Restricted, values: Columns, combine: np.ufunc) -> Columns:
    padded = np.zeros((factor.base.cols, values.shape[1]), values.dtype)
    padded[: factor.cols] = np.where(factor.live_cols[:, None], values, 0)
    output = _kron(factor.base, padded, combine)[: factor.rows]
    return np.where(factor.live_rows[:, None], output, 0)


def _edges(factor: Factor, values: Columns, combine: np.ufunc) -> Columns:
    indptr, indices = factor.arrays()
    live = np.diff(indptr) > 0
    output = np.zeros((factor.rows, values.shape[1]), values.dtype)
    if live.any():
        output[live] = combine.reduceat(values[indices], indptr[:-1][live], axis=0)
    return output


def widest(factor: Factor) -> int:
    """The most numbers a column that `apply` holds at once."""
    return max(factor.rows, factor.cols, factor.edges if isinstance(factor, Edges) else 0)
