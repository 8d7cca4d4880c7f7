"""Canonical factors: the most structural kind that has a given pattern."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Flags, Indices, Kron, Shifts
from nfc.ir.mixed_radix import subtract
from nfc.ir.recovery.circulant import circulant
from nfc.ir.recovery.components import NONE, Components, complete_components, members, numbered, pattern
from nfc.ir.recovery.padding import restricted_kron


def identity(size: int) -> Kron:
    """Output o reads input o alone."""
    return Kron(size, 1, 1, 1)


def kron(a: int, b: int, c: int, d: int) -> Kron:
    """I_a ⊗ 1_{b×c} ⊗ I_d, a diagonal always as (n, 1, 1, 1): equal patterns become equal factors."""
    return identity(a * d) if b == c == 1 else Kron(a, b, c, d)


def blocks(row_sets: Indices, col_sets: Indices) -> Kron | Blocks:
    """Complete blocks between row_sets[t] and col_sets[t], in any order: a `Kron` when it is one.

    Args:
        row_sets: [blocks, height], each row once.
        col_sets: [blocks, width], each column once.
    """
    row_sets, col_sets = np.sort(row_sets, axis=1), np.sort(col_sets, axis=1)
    order = np.argsort(row_sets[:, 0])
    row_sets, col_sets = row_sets[order], col_sets[order]
    return _kron_of_sets(row_sets, col_sets) or Blocks(row_sets, col_sets)


def block_sets(factor: Kron | Blocks) -> tuple[Indices, Indices]:
    """(row_sets [blocks, height], col_sets [blocks, width]), ordered as in `Blocks`."""
    if isinstance(factor, Blocks):
        return factor.row_sets, factor.col_sets
    return _sets(factor.a, factor.b, factor.d), _sets(factor.a, factor.c, factor.d)


def _sets(copies: int, size: int, stride: int) -> Indices:
    first = np.arange(copies)[:, None] * size * stride + np.arange(stride)
    return (first.reshape(-1, 1) + np.arange(size) * stride).astype(np.int64)


def _kron_of_sets(row_sets: Indices, col_sets: Indices) -> Kron | None:
    count, height, width = len(row_sets), row_sets.shape[1], col_sets.shape[1]
    sets = row_sets if height > 1 else col_sets
    stride = int(sets[0, 1] - sets[0, 0]) if sets.shape[1] > 1 and count > 1 else 1
    if count % stride:
        return None
    candidate = kron(count // stride, height, width, stride)
    expected = block_sets(candidate)
    same = np.array_equal(expected[0], row_sets) and np.array_equal(expected[1], col_sets)
    return candidate if same else None


def shifts(dims: tuple[int, ...], offsets: tuple[tuple[int, ...], ...]) -> Factor:
    """A circulant in mixed radix; offsets may repeat modulo dims.

    Where rows coincide it is a `Kron` or `Blocks`, else `Shifts` with the fewest digits that do.
    """
    reduced = tuple(tuple(move % size for move, size in zip(offset, dims, strict=True)) for offset in offsets)
    factor = Shifts(dims, tuple(dict.fromkeys(reduced)))
    if len(factor.offsets) == factor.rows:
        return kron(1, factor.rows, factor.rows, 1)
    if not any(map(any, factor.offsets)):
        return identity(factor.rows)
    if _rows_coincide(factor):
        return sparse(factor.cols, *factor.arrays())
    known = tuple(size for size in dims if size > 1)
    return circulant(factor.rows, factor.inputs_of, known) or FanIn(factor.cols, factor.table)


def _rows_coincide(factor: Shifts) -> bool:
    """Whether three of the outputs that read one input read the same inputs altogether, as in a block."""
    first = factor.inputs_of(np.zeros(1, np.int64))[0]
    readers = subtract(factor.dims, first[:1], first)[[0, len(first) // 2, -1]]
    return bool((factor.inputs_of(readers) == first).all())


def fan_in(cols: int, table: Indices) -> Factor:
    """`table[o]` are the inputs of o, distinct and in any order, [rows, k]."""
    rows, count = table.shape
    if count == cols:
        return kron(1, rows, cols, 1)
    if not (table[:, 1:] > table[:, :-1]).all():
        table = np.sort(table, axis=1)
    indptr = np.arange(rows + 1, dtype=np.int64) * count
    return sparse(cols, indptr, table.reshape(-1))


def sparse(cols: int, indptr: Indices, indices: Indices) -> Factor:
    """The factor of a CSR pattern: equal patterns become equal factors, of the kind that says most of them.

    `Kron`, else `Blocks`, else `Restricted`, else `Shifts`, else `FanIn`, else `Edges`.

    Args:
        indptr: [rows + 1].
        indices: [edges], ascending in each row.
    """
    components = complete_components(cols, indptr, indices)
    if components is not None:
        return _of_components(components)
    return _without_blocks(cols, indptr, indices)


def _of_components(components: Components) -> Factor:
    """The factor of complete components: `Kron` or `Blocks` where they are equal and leave no neuron out."""
    if components.are_equal and components.hold_all:
        row_sets, col_sets = members(components.row_component), members(components.col_component)
        return blocks(row_sets.reshape(components.count, -1), col_sets.reshape(components.count, -1))
    return restricted_kron(components) or _without_blocks(len(components.col_component), *pattern(components))


def _without_blocks(cols: int, indptr: Indices, indices: Indices) -> Factor:
    """The factor of a CSR pattern whose components are neither blocks nor what is left of them."""
    counts = np.diff(indptr)
    if not len(indices) or counts.min() != counts.max():
        return Edges(cols, indptr, indices)
    table = indices.reshape(len(counts), -1)
    found = circulant(cols, table.__getitem__) if len(counts) == cols else None
    return found or FanIn(cols, table)


def from_edges(rows: int, cols: int, outputs: Indices, inputs: Indices) -> Factor:
    """The factor of distinct edges (outputs[e], inputs[e]) in any order, [edges]."""
    keys = outputs * cols + inputs
    if not (keys[1:] > keys[:-1]).all():
        keys.sort()
    keys %= cols
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(outputs, minlength=rows), out=indptr[1:])
    return sparse(cols, indptr, keys)


def endpoints(factor: Factor) -> tuple[Indices, Indices]:
    """(outputs, inputs) of each edge in CSR order, [edges]."""
    indptr, indices = factor.arrays()
    return np.repeat(np.arange(factor.rows, dtype=np.int64), np.diff(indptr)), indices


def restricted(base: Kron, live_rows: Flags, live_cols: Flags) -> Factor:
    """The edges of `base` between live outputs and live inputs.

    Args:
        live_rows: a flag for each of the first rows of `base`; those that are left out are cut off.
        live_cols: likewise for columns.
    """
    if base.shape == (len(live_rows), len(live_cols)) and live_rows.all() and live_cols.all():
        return kron(base.a, base.b, base.c, base.d)
    row_label = np.where(live_rows, _block_of(len(live_rows), base.b, base.d), NONE)
    col_label = np.where(live_cols, _block_of(len(live_cols), base.c, base.d), NONE)
    return _of_components(numbered(row_label, col_label))


def _block_of(count: int, size: int, stride: int) -> Indices:
    """The number of the block that holds each of the first neurons of a `Kron`, [count]."""
    neurons = np.arange(count, dtype=np.int64)
    return neurons // (size * stride) * stride + neurons % stride
