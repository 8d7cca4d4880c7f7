"""Powers of integers in vectors, exact in 64 bits."""

from __future__ import annotations

import numpy as np

from nfc.sema.masks.vectors import GREATEST, LEAST, Vector, integers

LARGEST_EXPONENT = 63
"""Beyond it only the powers of -1, 0 and 1 have 64 bits."""


def power(base: Vector, exponent: Vector) -> Vector | None:
    """`base ** exponent` for exponents from 0; None where one may be negative, which gives a float."""
    if exponent.low < 0:
        return None
    small = np.minimum(exponent.values, LARGEST_EXPONENT)
    trivial = np.abs(np.maximum(base.values, -2)) <= 1
    fits = (base.values <= _GREATEST_BASE[small]) & (base.values >= _LEAST_BASE[small])
    wrong = ~(trivial | (fits & (exponent.values <= LARGEST_EXPONENT)))
    # A power of -1, 0 or 1 with an exponent above 63 hangs on its parity alone.
    reduced = np.where(exponent.values > LARGEST_EXPONENT, 2 + exponent.values % 2, exponent.values)
    values = np.power(np.where(wrong, 0, base.values), reduced)
    return integers(values, wrong if wrong.any() else None)


def _root(limit: int, exponent: int) -> int:
    """The greatest b with b**exponent <= limit, for exponents from 1."""
    low, high = 0, 2 ** (limit.bit_length() // exponent + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**exponent <= limit else (low, middle - 1)
    return low


def _least_base(exponent: int) -> int:
    """The least b such that b**exponent has 64 bits, for exponents from 1."""
    return -_root(-LEAST if exponent % 2 else GREATEST, exponent)


_EXPONENTS = range(1, LARGEST_EXPONENT + 1)
_GREATEST_BASE = np.array([GREATEST, *(_root(GREATEST, exponent) for exponent in _EXPONENTS)], np.int64)
_LEAST_BASE = np.array([LEAST, *map(_least_base, _EXPONENTS)], np.int64)
