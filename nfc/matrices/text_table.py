"""Lines of numbers: some whole numbers from 0 on, then perhaps one of any kind, on each line."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices
from nfc.matrices.errors import damaged

_LONGEST = 40
"""Characters of a number that is read the fast way."""
_LONGEST_INDEX = 18
"""Digits that surely fit in an int64."""

_INDEX = re.compile(rb"\d{1,18}")
_NUMBER = re.compile(
    rb"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?|[+-]?(nan|inf|infinity)", re.I
)

_SPACE, _NEWLINE = 32, 10
_IS_SPACE = np.isin(np.arange(256), [9, 10, 13, _SPACE])
_IS_DIGIT = np.isin(np.arange(256), list(b"0123456789"))

Table = tuple[Indices, NDArray[np.float64] | None]
"""The whole numbers, [lines, indices], and the number behind them, [lines]; None where there is none."""


def parse(block: bytes, indices: int, first_line: int, *, valued: bool) -> Table:
    """The numbers on the lines of a block, blank lines and comments left out.

    Args:
        indices: whole numbers on each line.
        first_line: the number of the block's first line in its file.
        valued: whether another number stands behind them.

    Raises:
        MatrixError: NF707 for a line of another form.
    """
    return _parse_whole(block, indices, valued=valued) or _parse_lines(
        block, indices, first_line, valued=valued
    )


def _parse_whole(block: bytes, indices: int, *, valued: bool) -> Table | None:
    """As `parse`, without a loop over lines; None where anything is unusual."""
    text = np.frombuffer(block + b"\n", np.uint8)
    inside = ~_IS_SPACE[text]
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    bounds = np.concatenate([[0], edges]) if inside[0] else edges
    width = indices + valued
    if not len(bounds) or len(bounds) % (2 * width) or not text.all():
        return None
    starts, ends = bounds.reshape(-1, width, 2).transpose(2, 0, 1)
    lines = np.cumsum(text == _NEWLINE)[starts]
    if (lines != lines[:, :1]).any() or (np.diff(lines[:, 0]) < 1).any() or (ends - starts).max() > _LONGEST:
        return None
    values = _values(text, starts[:, -1], ends[:, -1]) if valued else None
    if valued and values is None:
        return None
    table = _indices(text, starts, ends, indices) if indices else np.empty((len(starts), 0), np.int64)
    return None if table is None else (table, values)


def _indices(text: NDArray[np.uint8], starts: Indices, ends: Indices, indices: int) -> Indices | None:
    """The first `indices` numbers of each line, where they are digits alone."""
    if (ends - starts)[:, :indices].max() > _LONGEST_INDEX:
        return None
    if indices < starts.shape[1]:
        # The values become blanks.
        depth = np.zeros(len(text), np.int8)
        depth[starts[:, -1]] += 1
        depth[ends[:, -1]] -= 1
        text = np.where(np.cumsum(depth, dtype=np.int8) > 0, np.uint8(_SPACE), text)
    if not (_IS_DIGIT | _IS_SPACE)[text].all():
        return None
    return np.fromstring(text.tobytes(), np.int64, sep=" ").reshape(-1, indices)


def _values(text: NDArray[np.uint8], starts: Indices, ends: Indices) -> NDArray[np.float64] | None:
    """The numbers from `starts` to `ends`; of equal ones, one is read."""
    lengths = ends - starts
    columns = np.arange(lengths.max())
    words = text[np.minimum(starts[:, None] + columns, len(text) - 1)]
    words[columns >= lengths[:, None]] = 0
    distinct, which = np.unique(words.view(f"S{len(columns)}").reshape(-1), return_inverse=True)
    numbers = [float(word) if _NUMBER.fullmatch(word) else None for word in distinct.tolist()]
    return None if None in numbers else np.array(numbers, np.float64)[which]


def _parse_lines(block: bytes, indices: int, first_line: int, *, valued: bool) -> Table:
    table: list[list[int]] = []
    values: list[float] = []
    for number, line in enumerate(block.split(b"\n"), first_line):
        words = line.split()
        if not words or words[0].startswith(b"%"):
            continue
        if len(words) != indices + valued:
            raise damaged(f"has {len(words)} words on line {number}; {indices + valued} numbers are expected")
        if not all(map(_INDEX.fullmatch, words[:indices])) or not all(map(_NUMBER.fullmatch, words)):
            found = line[:_LONGEST].decode("latin-1").strip()
            raise damaged(f"has other words than numbers on line {number}: `{found}`")
        table.append(list(map(int, words[:indices])))
        values += [float(word) for word in words[indices:]]
    return np.array(table, np.int64).reshape(len(table), indices), np.array(values) if valued else None
