"""Canonical factors: the most structural kind that has a given pattern."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Blocks, Edges, Factor, FanIn, Indices, Kron, Restricted, Shifts


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


def shifts(dims: tuple[int, ...], offsets: tuple[tuple[int, ...], ...]) -> Kron | Shifts:
    """A circulant in mixed radix; offsets may repeat modulo dims, and the trivial ones become a `Kron`."""
    reduced = tuple(tuple(move % size for move, size in zip(offset, dims, strict=True)) for offset in offsets)
    factor = Shifts(dims, tuple(dict.fromkeys(reduced)))
    if len(factor.offsets) == factor.rows:
        return kron(1, factor.rows, factor.rows, 1)
    if not any(map(any, factor.offsets)):
        return identity(factor.rows)
    return factor


def fan_in(cols: int, table: Indices) -> Kron | FanIn:
    """`table[o]` are the inputs of o, distinct and in any order, [rows, k]; dense where k is `cols`."""
    rows, count = table.shape
    return kron(1, rows, cols, 1) if count == cols else FanIn(cols, np.sort(table, axis=1))


def sparse(cols: int, indptr: Indices, indices: Indices) -> Factor:
    """The factor of a CSR pattern: `Kron` or `Blocks` where the pattern is one, else `FanIn` or `Edges`."""
    counts = np.diff(indptr)
    if not len(indices) or counts.min() != counts.max():
        return Edges(cols, indptr, indices)
    table = indices.reshape(len(counts), -1)
    return _complete_blocks(cols, table) or FanIn(cols, table)


def _complete_blocks(cols: int, table: Indices) -> Kron | Blocks | None:
    """The factor of a table whose rows are equal or disjoint, equally often; None for any other."""
    rows, width = table.shape
    count = cols // width
    if cols % width or rows % count:
        return None
    row_sets = np.argsort(table[:, 0], kind="stable").reshape(count, -1)
    col_sets = table[row_sets[:, 0]]
    if not np.array_equal(np.sort(col_sets, axis=None), np.arange(cols)):
        return None
    if not np.array_equal(table[row_sets], np.broadcast_to(col_sets[:, None], (*row_sets.shape, width))):
        return None
    return blocks(row_sets, col_sets)


def from_edges(rows: int, cols: int, outputs: Indices, inputs: Indices) -> Factor:
    """The factor of distinct edges (outputs[e], inputs[e]) in any order, [edges]."""
    keys = np.sort(outputs * cols + inputs)
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(outputs, minlength=rows), out=indptr[1:])
    return sparse(cols, indptr, keys % cols)


def endpoints(factor: Factor) -> tuple[Indices, Indices]:
    """(outputs, inputs) of each edge in CSR order, [edges]."""
    indptr, indices = factor.arrays()
    return np.repeat(np.arange(factor.rows, dtype=np.int64), np.diff(indptr)), indices


def restricted(base: Kron, live_rows: np.ndarray, live_cols: np.ndarray) -> Kron | Restricted:
    """The edges of `base` between live outputs and live inputs; a `Kron` where that is what is left.

    Args:
        live_rows: a flag for each of the first rows of `base`; those that are left out are cut off.
        live_cols: likewise for columns.
    """
    rows = _by_block(live_rows, base.a, base.b, base.d)
    cols = _by_block(live_cols, base.a, base.c, base.d)
    # A neuron is live only where its block has an edge, so that equal patterns get equal flags.
    kept_rows = (rows & cols.any(axis=1, keepdims=True)).reshape(-1)[: len(live_rows)]
    kept_cols = (cols & rows.any(axis=1, keepdims=True)).reshape(-1)[: len(live_cols)]
    if kept_rows.all() and kept_cols.all():
        whole = _prefix(base, len(live_rows), len(live_cols))
        if whole is not None:
            return whole
    return Restricted(base, kept_rows, kept_cols)


def _by_block(flags: np.ndarray, a: int, size: int, d: int) -> np.ndarray:
    """Flags padded with False and laid out as [a, size, d]."""
    padded = np.zeros(a * size * d, np.bool_)
    padded[: len(flags)] = flags
    return padded.reshape(a, size, d)


def _prefix(base: Kron, rows: int, cols: int) -> Kron | None:
    """The first rows and columns of a `Kron`, all of which have edges, where they form a `Kron`."""
    height, width = base.b * base.d, base.c * base.d
    if rows % height == 0 and cols % width == 0:
        return kron(rows // height, base.b, base.c, base.d)
    if rows <= height and cols <= width and rows % base.d == cols % base.d == 0:
        return kron(1, rows // base.d, cols // base.d, base.d)
    # Fewer than one lane of the first block: output l reads input l alone.
    return identity(rows) if rows == cols <= base.d else None
