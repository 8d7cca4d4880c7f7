"""Permutations of a fabric's inputs and outputs, absorbed into its outermost factors.

A permutation is an array `order`, [width]: its output o takes its input order[o], so as a matrix
it has ones at (o, order[o]). `reverse` of width 3 is [2, 1, 0].
"""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, total
from nfc.ir.factors import Blocks, Factor, FanIn, Indices, Kron, Shifts
from nfc.ir.structure import block_sets, blocks, endpoints, fan_in, from_edges


def permute_inputs(fabric: Fabric, order: Indices) -> Fabric:
    """The permutation, then the fabric: what read input i now reads order[i]. Matrix F·P.

    Args:
        fabric: any; a permutation goes into the first part of a cascade and all parts of a sum.
        order: a permutation of range(fabric.cols), [cols].

    Returns:
        A fabric of as many factors. A `Kron` becomes `Blocks` (or a `Kron` again when it is one),
        `Blocks` stay so, `Shifts` and `FanIn` become `FanIn`, the other kinds what their edges are.
    """
    if _is_identity(order):
        return fabric
    match fabric:
        case Cascade(parts=parts):
            return cascade(permute_inputs(parts[0], order), *parts[1:])
        case Sum(parts=parts):
            return total(*(permute_inputs(part, order) for part in parts))
        case _:
            return _permute_factor(fabric, None, order)


def permute_outputs(fabric: Fabric, order: Indices) -> Fabric:
    """The fabric, then the permutation: output o is now what output order[o] was. Matrix P·F.

    Args:
        fabric: any; a permutation goes into the last part of a cascade and all parts of a sum.
        order: a permutation of range(fabric.rows), [rows].

    Returns:
        A fabric of as many factors, with kinds as in `permute_inputs`.
    """
    if _is_identity(order):
        return fabric
    match fabric:
        case Cascade(parts=parts):
            return cascade(*parts[:-1], permute_outputs(parts[-1], order))
        case Sum(parts=parts):
            return total(*(permute_outputs(part, order) for part in parts))
        case _:
            return _permute_factor(fabric, order, None)


def inverse(order: Indices) -> Indices:
    """The permutation that undoes `order`: inverse[order[o]] = o."""
    result = np.empty_like(order)
    result[order] = np.arange(len(order))
    return result


def _is_identity(order: Indices) -> bool:
    return bool(np.array_equal(order, np.arange(len(order))))


def _permute_factor(factor: Factor, rows: Indices | None, cols: Indices | None) -> Factor:
    new_row = np.arange(factor.rows) if rows is None else inverse(rows)
    new_col = np.arange(factor.cols) if cols is None else cols
    match factor:
        case Kron() | Blocks():
            row_sets, col_sets = block_sets(factor)
            return blocks(new_row[row_sets], new_col[col_sets])
        case Shifts(table=table) | FanIn(table=table):
            return fan_in(factor.cols, new_col[table if rows is None else table[rows]])
        case _:
            outputs, inputs = endpoints(factor)
            return from_edges(factor.rows, factor.cols, new_row[outputs], new_col[inputs])
