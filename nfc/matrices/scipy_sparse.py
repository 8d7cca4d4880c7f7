"""The sparse matrices that `scipy.sparse.save_npz` writes: csr, csc, coo, bsr and dia, with every index checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices
from nfc.matrices.archive import Archive, Member
from nfc.matrices.arrays import Layout, exactly
from nfc.matrices.edges import Ones, edges_among
from nfc.matrices.errors import damaged
from nfc.matrices.members import abreast, chunks, integers, layout_of, open_members, take, vector
from nfc.matrices.npy import header_fields
from nfc.matrices.request import CHUNK, Request

FORMAT = "format"
"""The member that says how the matrix is stored."""

_TEXT = re.compile(r"\|S([1-9])|<U([1-9])")

Entries = Iterator[tuple[Indices, Indices, NDArray[Any]]]
"""Stored entries, some at a time: their rows, columns and values; no index is checked yet."""


def read_sparse(archive: Archive, request: Request) -> Factor:
    """The pattern of a sparse matrix; stored zeros are no edges.

    Raises:
        MatrixError: it is no 0/1 matrix of the shape that is wanted.
    """
    kind = _format(archive)
    if kind not in _READERS:
        raise damaged(f"holds a sparse matrix in the format `{kind}`, expected {', '.join(_READERS)}")
    request.check_shape(vector(archive, "shape", 4).tolist())
    found = Ones(request)
    for rows, cols, values in _READERS[kind](archive, request):
        found.add(*edges_among(rows, cols, values, request, first=0))
    return found.factor()


def _format(archive: Archive) -> str:
    with open_members(archive, FORMAT) as (member,):
        descr, _, shape = header_fields(member)
        form = _TEXT.fullmatch(descr)
        if form is None or shape:
            raise damaged("has a member `format` that is no short text")
        count = int(form[1]) if form[1] else 4 * int(form[2])
        text = exactly(member, count).decode("latin-1" if form[1] else "utf-32-le", "replace")
        return text.rstrip("\0")


# --- formats ---


def _csr(archive: Archive, request: Request) -> Entries:
    yield from _compressed(archive, request.rows)


def _csc(archive: Archive, request: Request) -> Entries:
    for cols, rows, values in _compressed(archive, request.cols):
        yield rows, cols, values


def _compressed(archive: Archive, lines: int) -> Entries:
    """Entries as (line, index in it, value); what lies behind the last line's end is spare room."""
    ends, found = _ends(archive, lines), 0
    for start, (indices, values) in abreast(archive, "indices", "data"):
        found = start + len(indices)
        line = _lines(ends, start, len(indices))
        used = line >= 0
        yield line[used], integers(indices)[used], values[used]
    _check_whole(ends, found)


def _coo(archive: Archive, request: Request) -> Entries:
    for _, (rows, cols, values) in abreast(archive, "row", "col", "data"):
        yield integers(rows), integers(cols), values


def _bsr(archive: Archive, request: Request) -> Entries:
    with open_members(archive, "data", "indices") as (data, indices):
        layout, places = layout_of(data, axes=3), layout_of(indices, axes=1)
        count, height, width = layout.shape
        if layout.column_major:
            raise damaged("has blocks in Fortran's order; C's is expected")
        if not (height and width) or request.rows % height or request.cols % width:
            raise damaged(f"has blocks of {height} × {width} entries, which do not tile it")
        if places.entries != count:
            raise damaged(f"has {count} blocks and {places.entries} places for them")
        ends = _ends(archive, request.rows // height)
        _check_whole(ends, count)
        step = max(1, CHUNK // (height * width))
        for start in range(0, count, step):
            blocks = min(step, count - start)
            # Out of range stays out of range, and does not wrap round when it is multiplied.
            cols = np.clip(integers(take(indices, places, blocks)), -1, request.cols)
            yield from _blocks(data, layout, _lines(ends, start, blocks), cols)


def _blocks(data: Member, layout: Layout, rows: Indices, cols: Indices) -> Entries:
    """The entries of some blocks, from the blocks' rows and columns among blocks; spare blocks left out."""
    _, height, width = layout.shape
    area = height * width
    for start in range(0, len(rows) * area, CHUNK):
        values = take(data, layout, min(CHUNK, len(rows) * area - start))
        block, inside = np.divmod(np.arange(start, start + len(values)), area)
        used = rows[block] >= 0
        row, col = rows[block] * height + inside // width, cols[block] * width + inside % width
        yield row[used], col[used], values[used]


def _dia(archive: Archive, request: Request) -> Entries:
    """Diagonal d has offset column − row; its entry in column j is data[d, j], and those outside mean nothing."""
    offsets = vector(archive, "offsets", request.rows + request.cols)
    limit = max(request.rows, request.cols)
    offsets = np.clip(offsets, -limit, limit)
    with open_members(archive, "data") as (data,):
        layout = layout_of(data, axes=2)
        count, length = layout.shape
        if count != len(offsets):
            raise damaged(f"has {count} diagonals and {len(offsets)} offsets")
        for start, values in chunks(data, layout):
            at = np.arange(start, start + len(values))
            cols, diagonal = np.divmod(at, count) if layout.column_major else np.divmod(at, length)[::-1]
            rows = cols - offsets[diagonal]
            used = (rows >= 0) & (rows < request.rows) & (cols < request.cols)
            yield rows[used], cols[used], values[used]


def _ends(archive: Archive, lines: int) -> Indices:
    """The bounds of each line's entries, ascending from 0, [lines + 1]."""
    ends = vector(archive, "indptr", lines + 1)
    if len(ends) != lines + 1 or ends[0] != 0 or (np.diff(ends) < 0).any():
        raise damaged(f"has an `indptr` that does not ascend from 0 in {lines + 1} steps")
    return ends


def _check_whole(ends: Indices, found: int) -> None:
    """Refuse a matrix whose last line ends behind its last entry."""
    if ends[-1] > found:
        raise damaged(f"promises {ends[-1]} entries and has {found}")


def _lines(ends: Indices, start: int, count: int) -> Indices:
    """The lines of the entries from `start` on; -1 behind the last line's end."""
    lines = np.searchsorted(ends, np.arange(start, start + count), side="right") - 1
    return np.where(lines < len(ends) - 1, lines, -1)


_READERS: dict[str, Callable[[Archive, Request], Entries]] = {
    "csr": _csr, "csc": _csc, "coo": _coo, "bsr": _bsr, "dia": _dia,
}  # fmt: skip
