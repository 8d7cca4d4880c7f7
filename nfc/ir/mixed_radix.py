"""Numbers in mixed radix: `dims` are the sizes of the digits, the first digit the least significant (stride 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def number(dims: Sequence[int], digits: Sequence[int]) -> int:
    """The number that has these digits, each at least 0 and less than its size."""
    value, stride = 0, 1
    for size, digit in zip(dims, digits, strict=True):
        value += digit * stride
        stride *= size
    return value


def digits(dims: Sequence[int], value: int) -> tuple[int, ...]:
    """The digits of a number of at least 0 and less than the product of `dims`."""
    found = []
    for size in dims:
        found.append(value % size)
        value //= size
    return tuple(found)


def subtract(dims: Sequence[int], left: Numbers, right: Numbers) -> Numbers:
    """Digit by digit (left − right) mod dims, as numbers; the arrays broadcast."""
    result = np.zeros(np.broadcast_shapes(left.shape, right.shape), np.int64)
    for stride, size, binary in _runs(dims):
        above, below = left // stride, right // stride
        result += ((above ^ below) if binary else (above - below)) % size * stride
    return result


def divisors(value: int) -> list[int]:
    """The divisors of a positive number, ascending."""
    low = [divisor for divisor in range(1, isqrt(value) + 1) if value % divisor == 0]
    return low + [value // divisor for divisor in reversed(low) if divisor * divisor < value]


def _runs(dims: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """(stride, size, whether the digits are bits) of each digit; neighbouring bits are one, as they subtract by xor."""
    stride = 1
    for binary, sizes in groupby((size for size in dims if size > 1), lambda size: size == 2):
        for size in (prod(sizes),) if binary else sizes:
            yield stride, size, binary
            stride *= size
