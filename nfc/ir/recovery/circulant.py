"""Circulants in mixed radix: rows that are translations of one another, digit by digit.

A pattern may be such a circulant for several ways to cut its neurons' numbers into digits: the
hypercube's bits, say, or the digits of a torus. The digits that are taken are the fewest, and among
as few those with the largest sizes first; so `Shifts` depends on the edges alone.

A digit of stride s and size m is one of the pattern if adding to it, without carry, maps the rows
onto each other. A few rows rule out nearly all digits that are none; what is left is the shortest
path from 1 to n along divisors of n, which is then tried on all rows. A row that does not fit is
looked at from then on (counterexample-guided refinement), so the answer is exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfc.ir.factors import Indices, Shifts
from nfc.ir.mixed_radix import digits, divisors, subtract

Rows = Callable[[Indices], Indices]
"""outputs [count] → their inputs, ascending, [count, k]."""

Dims = tuple[int, ...]

SLICE = 2**16
"""Edges that are looked at together, except in a single row."""

SAMPLED_ROWS = 8

ATTEMPTS = 32
"""Ways to cut numbers into digits that are tried on all rows; a pattern that defeats more is called none."""


def circulant(size: int, rows: Rows, known: Dims | None = None) -> Shifts | None:
    """The `Shifts` of a square pattern with as many inputs for each output; None where it is none.

    Args:
        size: how many outputs and inputs there are.
        rows: gives the pattern's rows.
        known: dims for which the pattern is known to be a circulant, so that they need no proof.
    """
    sample = _first_sample(size)
    for _ in range(ATTEMPTS):
        dims = _fewest_digits(size, rows, sample)
        if dims is None:
            return None
        moves = np.sort(subtract(dims, np.zeros(1, np.int64), rows(np.zeros(1, np.int64))[0]))
        exception = None if dims == known else _first_exception(size, rows, dims, moves)
        if exception is None:
            return Shifts(dims, tuple(digits(dims, int(move)) for move in moves))
        sample = np.concatenate([sample, _prefixes(dims, exception)])
    return None


def _first_sample(size: int) -> Indices:
    """A few rows, the last one first: all of its digits differ from 0, so it alone rules out most."""
    scattered = np.arange(1, SAMPLED_ROWS, dtype=np.int64) * 2654435761 % size
    return np.concatenate([[size - 1], scattered])


def _prefixes(dims: Dims, row: int) -> Indices:
    """The row, and the row with its first digits 0, one digit more each time."""
    found, stride = [row], 1
    for size in dims:
        stride *= size
        found.append(row // stride * stride)
    return np.array(found)


def _fewest_digits(size: int, rows: Rows, sample: Indices) -> Dims | None:
    """The sizes of the fewest digits that hold on a sample, the largest first; None where no digits do."""
    ends = divisors(size)[::-1]
    paths: dict[int, Dims] = {1: ()}
    frontier = [1]
    while frontier:
        reached = []
        for stride in frontier:
            for end in ends:
                if end % stride or end in paths or not _is_digit(stride, end // stride, rows, sample):
                    continue
                paths[end] = (*paths[stride], end // stride)
                reached.append(end)
                if end == size:
                    return paths[end]
        frontier = reached
    return None


def _is_digit(stride: int, size: int, rows: Rows, sample: Indices) -> bool:
    """Whether each row of a sample is the row with this digit 0, translated."""
    return all(_translates(stride, size, rows, part) for part in (sample[:1], sample[1:]))


def _translates(stride: int, size: int, rows: Rows, outputs: Indices) -> bool:
    moves = outputs // stride % size
    inputs = rows(outputs - moves * stride)
    old = inputs // stride % size
    moved = inputs + ((old + moves[:, None]) % size - old) * stride
    return np.array_equal(np.sort(moved, axis=1), rows(outputs))


def _first_exception(size: int, rows: Rows, dims: Dims, moves: Indices) -> int | None:
    """The first output that reads an input at another offset than output 0 does."""
    allowed = np.zeros(size, np.bool_)
    allowed[moves] = True
    height = max(1, SLICE // len(moves))
    for start in range(0, size, height):
        outputs = np.arange(start, min(start + height, size), dtype=np.int64)
        fits = allowed[subtract(dims, outputs[:, None], rows(outputs))].all(axis=1)
        if not fits.all():
            return start + int(fits.argmin())
    return None
