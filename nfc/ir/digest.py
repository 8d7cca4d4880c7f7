"""Digests: SHA-256 of a normal form that depends on the edges alone, not on the kinds of factors."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Restricted, Shifts
from nfc.ir.network import Network, weighted_layers

CHUNK_EDGES = 2**18
"""Edges that are in memory at a time, except in a single row."""

Rows = tuple[Indices, Indices]
"""Some rows of a pattern: the edges of each, [count], and their columns, row by row, [edges]."""


def network_digest(network: Network) -> str:
    """`sha256:` over `N`, the number of weighted layers (int64), each layer's normal form in order."""
    layers = list(weighted_layers(network))
    digest = sha256(b"N" + _integers(len(layers)))
    for layer in layers:
        for piece in normal_form(layer.fabric):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def fabric_digest(fabric: Fabric) -> str:
    """`sha256:` over the fabric's normal form."""
    digest = sha256()
    for piece in normal_form(fabric):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def normal_form(fabric: Fabric) -> Iterator[bytes]:
    """The bytes of LANGUAGE, section 5, `digest`, in pieces of bounded size.

    A factor is `F`, rows, cols and for each row the number of maximal runs of consecutive columns
    and each run's first column and length. A cascade is `C`, a sum `S`, then the number of parts
    and the parts, those of the same kind merged into it. Integers are little-endian int64.
    """
    match fabric:
        case Cascade() | Sum():
            parts = [*_merged_parts(fabric, type(fabric))]
            if len(parts) > 1:
                yield (b"C" if isinstance(fabric, Cascade) else b"S") + _integers(len(parts))
            for part in parts:
                yield from normal_form(part)
        case _:
            yield b"F" + _integers(fabric.rows, fabric.cols)
            if isinstance(fabric, Kron):
                yield from _kron_form(fabric)
            else:
                yield from map(_encode_rows, _chunks(fabric))


def _merged_parts(fabric: Fabric, kind: type[Cascade | Sum]) -> Iterator[Fabric]:
    """The parts with nested nodes of `kind` opened; a one-part node of the other kind is its part."""
    if isinstance(fabric, kind) or (isinstance(fabric, Cascade | Sum) and len(fabric.parts) == 1):
        for part in fabric.parts:
            yield from _merged_parts(part, kind)
    else:
        yield fabric


def _integers(*values: int) -> bytes:
    return np.array(values, "<i8").tobytes()


def _chunks(factor: Factor) -> Iterator[Rows]:
    """The rows from the first to the last, about CHUNK_EDGES edges at a time."""
    match factor:
        case Restricted(base=Kron(c=width)):
            for rows in _slices(factor.rows, width):
                yield _restricted_rows(factor, rows)
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            block = np.empty(factor.rows, np.int64)
            block[row_sets] = np.arange(len(row_sets))[:, None]
            for rows in _slices(factor.rows, col_sets.shape[1]):
                yield _table_rows(col_sets[block[rows]])
        case Shifts(offsets=offsets):
            for rows in _slices(factor.rows, len(offsets)):
                yield _table_rows(factor.inputs_of(np.arange(rows.start, rows.stop)))
        case _:
            indptr, indices = factor.arrays()
            for rows in _slices(factor.rows, len(indices) // factor.rows):
                bounds = indptr[rows.start : rows.stop + 1]
                yield np.diff(bounds), indices[bounds[0] : bounds[-1]]


def _slices(count: int, width: int) -> Iterator[slice]:
    """Slices of range(count) such that `width` edges a row make about CHUNK_EDGES edges."""
    height = max(1, CHUNK_EDGES // max(1, width))
    return (slice(start, min(start + height, count)) for start in range(0, count, height))


def _kron_rows(factor: Kron, rows: slice) -> Rows:
    return _table_rows(_first_columns(factor, rows)[:, None] + np.arange(factor.c) * factor.d)


def _first_columns(factor: Kron, rows: slice) -> Indices:
    index = np.arange(rows.start, rows.stop)
    first: Indices = index // (factor.b * factor.d) * (factor.c * factor.d) + index % factor.d
    return first


def _restricted_rows(factor: Restricted, rows: slice) -> Rows:
    counts, columns = _kron_rows(factor.base, rows)
    live = np.repeat(factor.live_rows[rows], counts) & (columns < factor.cols)
    live &= factor.live_cols[np.minimum(columns, factor.cols - 1)]
    return live.reshape(-1, factor.base.c).sum(axis=1, dtype=np.int64), columns[live]


def _table_rows(table: Indices) -> Rows:
    return np.full(len(table), table.shape[1], np.int64), table.reshape(-1)


def _kron_form(factor: Kron) -> Iterator[bytes]:
    """What `_encode_rows` gives for a `Kron`, from its formula: runs as long as a block without lanes, else of 1."""
    runs, length = (1, factor.c) if factor.d == 1 else (factor.c, 1)
    for rows in _slices(factor.rows, runs):
        firsts = _first_columns(factor, rows)[:, None] + np.arange(runs) * factor.d
        code = np.empty((len(firsts), 1 + 2 * runs), "<i8")
        code[:, 0], code[:, 1::2], code[:, 2::2] = runs, firsts, length
        yield code.tobytes()


def _encode_rows(rows: Rows) -> bytes:
    """Each row as the number of its runs, then the first column and the length of each."""
    counts, columns = rows
    ends = np.cumsum(counts)
    opens = np.ones(len(columns), np.bool_)
    opens[1:] = columns[1:] != columns[:-1] + 1
    opens[(ends - counts)[counts > 0]] = True  # a run never goes on into the next row
    firsts = np.flatnonzero(opens)
    seen = np.concatenate([[0], np.cumsum(opens)])
    runs = seen[ends] - seen[ends - counts]
    code = np.empty(len(counts) + 2 * len(firsts), "<i8")
    code[np.arange(len(counts)) + 2 * (np.cumsum(runs) - runs)] = runs
    place = 2 * np.arange(len(firsts)) + np.repeat(np.arange(len(counts)), runs) + 1
    code[place] = columns[firsts]
    code[place + 1] = np.diff(firsts, append=len(columns))
    return code.tobytes()
