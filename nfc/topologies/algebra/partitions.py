"""Set operations and products of complete blocks, on the blocks' numbers alone."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Blocks, Factor, Indices, Kron
from nfc.ir.recovery.components import members, numbered, pattern
from nfc.ir.structure import block_sets, blocks, sparse
from nfc.topologies.algebra.merges import nothing


def on_partitions(operator: str, left: Factor, right: Factor) -> Factor | None:
    """`|`, `&` or `-` of two patterns of complete blocks, without their edges.

    None where a pattern is no `Kron` or `Blocks`, and for a union or difference that has to be made
    of edges because neither pattern holds the other.
    """
    if not (isinstance(left, Kron | Blocks) and isinstance(right, Kron | Blocks)):
        return None
    if _holds(right, left):
        return {"|": right, "&": left, "-": nothing(*left.shape)}[operator]
    if _holds(left, right) and operator != "-":
        return left if operator == "|" else right
    return _intersection(left, right) if operator == "&" else None


def product_of_partitions(outer: Factor, inner: Factor) -> Factor | None:
    """The product outer ⊗ inner: a block for each pair of blocks; None where one is no `Kron` or `Blocks`."""
    if not (isinstance(outer, Kron | Blocks) and isinstance(inner, Kron | Blocks)):
        return None
    outer_rows, outer_cols = block_sets(outer)
    inner_rows, inner_cols = block_sets(inner)
    return blocks(
        _products(outer_rows, inner_rows, inner.rows), _products(outer_cols, inner_cols, inner.cols)
    )


def _holds(larger: Kron | Blocks, smaller: Kron | Blocks) -> bool:
    """Whether every block of the smaller pattern lies in a block of the larger one."""
    row_sets, col_sets = block_sets(smaller)
    rows, cols = (labels[sets] for labels, sets in zip(_labels(larger), (row_sets, col_sets), strict=True))
    return bool((rows == rows[:, :1]).all() and (cols == rows[:, :1]).all())


def _intersection(left: Kron | Blocks, right: Kron | Blocks) -> Factor:
    """The common refinement: a block for each pair of blocks that meet in rows and in columns."""
    pairs = [first * right.rows + second for first, second in zip(_labels(left), _labels(right), strict=True)]
    labels = np.unique(np.concatenate(pairs), return_inverse=True)[1]
    found = numbered(labels[: left.rows], labels[left.rows :])
    if found.are_equal and found.hold_all:
        return blocks(
            *(members(c).reshape(found.count, -1) for c in (found.row_component, found.col_component))
        )
    return sparse(left.cols, *pattern(found))


def _labels(factor: Kron | Blocks) -> tuple[Indices, Indices]:
    """The block of each row, [rows], and of each column, [cols]."""
    rows, cols = np.empty(factor.rows, np.int64), np.empty(factor.cols, np.int64)
    for labels, sets in zip((rows, cols), block_sets(factor), strict=True):
        labels[sets] = np.arange(len(sets))[:, None]
    return rows, cols


def _products(outer: Indices, inner: Indices, size: int) -> Indices:
    """The sets of outer · size + inner over each pair of sets, [pairs, …]."""
    pairs = outer[:, None, :, None] * size + inner[None, :, None, :]
    return pairs.reshape(len(outer) * len(inner), -1)
