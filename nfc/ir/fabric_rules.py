"""Rules of fabrics and factors (`nfc.ir.verify`)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Edges, FanIn, Indices, Kron, Restricted, Shifts
from nfc.ir.rule import Rule, distinct


def _is_table(array: Any, axes: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == np.int64 and array.ndim == axes


def _is_filled(array: Any, axes: int) -> bool:
    return _is_table(array, axes) and array.size > 0


def _ascends(table: Indices) -> bool:
    """Along the last axis."""
    return bool((np.diff(table, axis=-1) > 0).all())


def _in_range(table: Indices, size: int) -> bool:
    return table.size == 0 or (int(table.min()) >= 0 and int(table.max()) < size)


def _sizes_are_positive(kron: Kron) -> bool:
    return min(kron.a, kron.b, kron.c, kron.d) >= 1


def _sets_are_tables(blocks: Blocks) -> bool:
    both = _is_filled(blocks.row_sets, 2) and _is_filled(blocks.col_sets, 2)
    return both and len(blocks.row_sets) == len(blocks.col_sets)


def _sets_ascend(blocks: Blocks) -> bool:
    return _ascends(blocks.row_sets) and _ascends(blocks.col_sets) and _ascends(blocks.row_sets[:, 0])


def _is_partition(sets: Indices) -> bool:
    return _in_range(sets, sets.size) and bool((np.bincount(sets.reshape(-1)) == 1).all())


def _digits_fit(shifts: Shifts) -> bool:
    sizes = len(shifts.dims) >= 1 and min(shifts.dims) >= 1
    return sizes and len(shifts.offsets) >= 1 and all(len(o) == len(shifts.dims) for o in shifts.offsets)


def _offsets_differ(shifts: Shifts) -> bool:
    return distinct([tuple(np.mod(offset, shifts.dims).tolist()) for offset in shifts.offsets])


def _csr_arrays(edges: Edges) -> bool:
    return _is_table(edges.indptr, 1) and _is_table(edges.indices, 1) and len(edges.indptr) >= 2


def _pointers_ascend(edges: Edges) -> bool:
    indptr = edges.indptr
    return bool(indptr[0] == 0 and indptr[-1] == len(edges.indices) and (np.diff(indptr) >= 0).all())


def _columns_ascend(edges: Edges) -> bool:
    first = np.zeros(len(edges.indices) + 1, np.bool_)
    first[edges.indptr] = True
    return bool((first[1:-1] | (np.diff(edges.indices) > 0)).all()) and _in_range(edges.indices, edges.cols)


def _is_flags(flags: Any, most: int) -> bool:
    return (
        isinstance(flags, np.ndarray)
        and flags.dtype == np.bool_
        and flags.ndim == 1
        and 1 <= len(flags) <= most
    )


def _flags_fit(restricted: Restricted) -> bool:
    base = restricted.base
    return _is_flags(restricted.live_rows, base.rows) and _is_flags(restricted.live_cols, base.cols)


def _is_flat(node: Cascade | Sum) -> bool:
    return not any(isinstance(part, type(node)) for part in node.parts)


def _widths_meet(cascade: Cascade) -> bool:
    return all(after.cols == before.rows for before, after in pairwise(cascade.parts))


def _shape(fabric: Fabric) -> tuple[int, int]:
    return fabric.rows, fabric.cols


FABRIC_RULES = (
    Rule(Kron, "a kron's sizes are 1 or more", _sizes_are_positive),
    Rule(Blocks, "row_sets and col_sets are int64 tables of as many blocks", _sets_are_tables),
    Rule(Blocks, "a block's rows and columns ascend, and blocks by their first row", _sets_ascend),
    Rule(Blocks, "blocks hold each row exactly once", lambda f: _is_partition(f.row_sets)),
    Rule(Blocks, "blocks hold each column exactly once", lambda f: _is_partition(f.col_sets)),
    Rule(Shifts, "shifts have dims of 1 or more, and offsets of as many digits", _digits_fit),
    Rule(Shifts, "offsets are distinct modulo dims", _offsets_differ),
    Rule(FanIn, "the table is of int64, [rows, k]", lambda f: _is_filled(f.table, 2)),
    Rule(FanIn, "the inputs of a row ascend", lambda f: _ascends(f.table)),
    Rule(FanIn, "inputs are at least 0 and less than cols", lambda f: _in_range(f.table, f.cols)),
    Rule(Edges, "indptr and indices are lists of int64", _csr_arrays),
    Rule(Edges, "indptr ascends from 0 to the number of edges", _pointers_ascend),
    Rule(Edges, "the columns of a row ascend and are less than cols", _columns_ascend),
    Rule(Restricted, "the base is a kron of sizes of 1 or more", lambda f: _sizes_are_positive(f.base)),
    Rule(Restricted, "flags are those of the base's first rows and columns", _flags_fit),
    Rule((Cascade, Sum), "a node has two parts or more", lambda f: len(f.parts) >= 2),
    Rule((Cascade, Sum), "a node holds no node of its own kind", _is_flat),
    Rule(Cascade, "a part has as many columns as the one before has rows", _widths_meet),
    Rule(Sum, "the parts of a sum have one shape", lambda f: len({_shape(part) for part in f.parts}) == 1),
)
