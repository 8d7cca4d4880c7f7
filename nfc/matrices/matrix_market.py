"""`.mtx`: the Matrix Market exchange format (Boisvert, Pozo, Remington, NISTIR 5935), text read in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nfc.diagnostics import did_you_mean
from nfc.ir.factors import Factor, Indices
from nfc.matrices.arrays import Stream
from nfc.matrices.edges import Ones, edges_among, ones
from nfc.matrices.errors import MatrixError, damaged
from nfc.matrices.request import CHUNK, Request
from nfc.matrices.text_table import Table, parse

BANNER = b"%%matrixmarket"
LINE_BYTES = 2**16
"""The longest line that is read; the format allows 1024 characters."""

_WORDS = {
    "object": ("matrix",),
    "format": ("coordinate", "array"),
    "field": ("pattern", "integer", "unsigned-integer", "real", "double"),
    "symmetry": ("general", "symmetric"),
}


@dataclass(frozen=True)
class _Header:
    """What the first line says, of what is understood."""

    coordinate: bool
    pattern: bool
    symmetric: bool


class _Lines:
    """The lines of a file, in blocks of whole lines; `number` is that of the next line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""
        self.number = 1

    def line(self) -> bytes | None:
        """The next line without its end, None behind the last one."""
        while b"\n" not in self._rest:
            self._check(self._rest)
            more = self._stream.read(LINE_BYTES)
            if not more:
                line, self._rest = self._rest, b""
                return line or None
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        self._check(line)
        self.number += 1
        return line

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are left, many at a time, with the number of the first one."""
        while True:
            more = self._stream.read(CHUNK)
            block, newline, self._rest = (
                (self._rest + more).rpartition(b"\n") if more else (self._rest, b"", b"")
            )
            self._check(self._rest)
            if block:
                yield self.number, block
            if not more:
                return
            self.number += block.count(b"\n") + len(newline)

    def _check(self, line: bytes) -> None:
        if len(line) > LINE_BYTES:
            raise damaged(f"has more than {LINE_BYTES} characters on line {self.number}")


def read_matrix_market(stream: Stream, request: Request) -> Factor:
    """The pattern of a matrix in coordinates, counted from 1, or entry by entry, column after column.

    Raises:
        MatrixError: it holds no 0/1 matrix of the shape that is wanted, or has an entry twice.
    """
    lines = _Lines(stream)
    header = _header(lines.line())
    sizes = _sizes(lines, 3 if header.coordinate else 2, request)
    request.check_shape(sizes[:2])
    if header.symmetric and request.rows != request.cols:
        raise damaged("is symmetric, which only a square matrix can be")
    found = Ones(request)
    read = _coordinates if header.coordinate else _array
    expected = sizes[2] if header.coordinate else _stored(header, request)
    count = 0
    for number, block in lines.blocks():
        table = parse(block, 2 * header.coordinate, number, valued=not header.pattern)
        read(table, header, count, request, found)
        count += len(table[0])
        if count > expected:
            raise damaged(f"has more than the {expected} entries that it declares")
    if count < expected:
        raise damaged(f"is cut short: it has {count} of the {expected} entries that it declares")
    return found.factor()


def _header(line: bytes | None) -> _Header:
    words = (line or b"").lower().split()
    if not words or words[0] != BANNER or len(words) != 1 + len(_WORDS):
        raise damaged("does not start as a Matrix Market file, with `%%MatrixMarket matrix coordinate …`")
    text = [word.decode("latin-1") for word in words[1:]]
    for (what, known), word in zip(_WORDS.items(), text, strict=True):
        if word not in known:
            expected = ", ".join(known)
            raise MatrixError(
                "NF707", f"has the {what} `{word[:40]}`, expected {expected}", *did_you_mean(word, known)
            )
    header = _Header(text[1] == "coordinate", text[2] == "pattern", text[3] == "symmetric")
    if header.pattern and not header.coordinate:
        raise damaged("is an array without values; patterns are given in coordinates")
    return header


def _sizes(lines: _Lines, count: int, request: Request) -> list[int]:
    """The numbers on the first line that is neither blank nor a comment."""
    while True:
        request.progress(0)
        number = lines.number
        line = lines.line()
        if line is None:
            raise damaged("is cut short: it ends before its sizes")
        table, _ = parse(line, count, number, valued=False) if line.strip() else (np.empty((0, count)), None)
        if len(table):
            return [int(size) for size in table[0]]


def _stored(header: _Header, request: Request) -> int:
    """How many entries an array lists: all, or the lower triangle."""
    rows, cols = request.rows, request.cols
    return rows * (rows + 1) // 2 if header.symmetric else rows * cols


def _coordinates(table: Table, header: _Header, start: int, request: Request, found: Ones) -> None:
    """Add the edges of (row, column, value), counted from 1."""
    places, values = table
    rows, cols = edges_among(places[:, 0] - 1, places[:, 1] - 1, values, request, first=1)
    _add(rows, cols, header, found)


def _array(table: Table, header: _Header, start: int, request: Request, found: Ones) -> None:
    """Add the ones among entries that are listed column after column, the first of them at `start`."""
    values = table[1]
    assert values is not None

    def places(positions: Indices) -> tuple[Indices, Indices]:
        if not header.symmetric:
            return positions % request.rows, positions // request.rows
        columns = np.arange(request.cols + 1)
        firsts = columns * request.rows - columns * (columns - 1) // 2
        cols = np.searchsorted(firsts, positions, side="right") - 1
        return positions - firsts[cols] + cols, cols

    def place(at: int) -> tuple[int, int]:
        row, col = places(np.array([start + at]))
        return int(row[0]), int(col[0])

    values = values[: max(0, _stored(header, request) - start)]
    rows, cols = places(start + ones(values, place))
    _add(rows, cols, header, found)


def _add(rows: Indices, cols: Indices, header: _Header, found: Ones) -> None:
    found.add(rows, cols)
    if header.symmetric:
        mirrored = rows != cols
        found.add(cols[mirrored], rows[mirrored])
