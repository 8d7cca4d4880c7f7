"""Path counts and reachability column by column, in slices that bound the memory.

Counts are exact whatever their size: numbers in base 2^31, a list of arrays, the least digit
first. Sums of up to 2^32 digits fit 64 bits, and carrying follows every factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.transfer import Columns, apply, cost, widest
from nfc.ir.fabric import Cascade, Fabric, factors
from nfc.ir.factors import Factor, Indices, Kron, Shifts

DIGIT = 31
SLICE = 2**18
"""Numbers that a slice may hold at once, few enough for a processor's cache."""

Counts = list[Columns]
"""Digits in base 2^31, each [neurons, batch] int64."""
Value = TypeVar("Value")


def count_columns(fabric: Fabric, inputs: Indices) -> Iterator[tuple[Indices, Counts]]:
    """Slices of `inputs`, and the paths from each of them to every output: digits [rows, slice]."""
    batch = max(1, SLICE // _widest(fabric))
    for start in range(0, len(inputs), batch):
        chosen = inputs[start : start + batch]
        unit = np.zeros((fabric.cols, len(chosen)), np.int64)
        unit[chosen, np.arange(len(chosen))] = 1
        yield chosen, count(fabric, [unit])


def reach_columns(fabric: Fabric, inputs: Indices) -> Iterator[tuple[Indices, NDArray[np.bool_]]]:
    """Slices of `inputs`, and which outputs each of them reaches: [rows, slice]."""
    words = max(1, SLICE // (8 * _widest(fabric)))
    for start in range(0, len(inputs), 64 * words):
        chosen = inputs[start : start + 64 * words]
        number = np.arange(len(chosen))
        unit = np.zeros((fabric.cols, -(-len(chosen) // 64)), np.uint64)
        unit[chosen, number // 64] = np.uint64(1) << (number % 64).astype(np.uint64)
        reached = _walk(
            fabric, unit, lambda factor, values: apply(factor, values, np.bitwise_or), np.bitwise_or
        )
        octets = reached.astype("<u8").view(np.uint8)[:, : -(-len(chosen) // 8)]
        bits = np.unpackbits(octets, axis=1, count=len(chosen), bitorder="little")
        yield chosen, bits.astype(np.bool_)


def column_cost(fabric: Fabric) -> int:
    """Numbers that one column of counts reads and writes."""
    return sum(cost(factor) for factor in factors(fabric))


def is_translation_invariant(fabric: Fabric) -> bool:
    """Whether digitwise translations of the inputs move the outputs alike, so that one column says all."""
    return translation_digits(fabric) is not None


def translation_digits(fabric: Fabric) -> tuple[int, ...] | None:
    """Sizes of the digits, the least significant first, whose translations of inputs move the outputs alike; else None.

    There are such for square `Kron` and `Shifts` factors of one width whose strides divide one
    another: translations of the digits between neighbouring strides commute with I and with 1. A
    circulant commutes with those of its own digits alone, so these must be exactly the digits.
    """
    parts = list(factors(fabric))
    width = fabric.cols
    if any(not isinstance(part, Kron | Shifts) or part.shape != (width, width) for part in parts):
        return None
    strides = [_strides(part) for part in parts]
    union = {1, width}.union(*strides)
    chain = sorted(union)
    nested = all(high % low == 0 for low, high in pairwise(chain))
    exact = all(own == union for part, own in zip(parts, strides, strict=True) if isinstance(part, Shifts))
    return tuple(high // low for low, high in pairwise(chain)) if nested and exact else None


def _strides(factor: Factor) -> set[int]:
    if isinstance(factor, Kron):
        return {factor.d, factor.d * factor.b}
    assert isinstance(factor, Shifts)
    strides = {1}
    for size in factor.dims:
        strides.add(max(strides) * size)
    return strides


def _widest(fabric: Fabric) -> int:
    return max(widest(factor) for factor in factors(fabric))


def count(fabric: Fabric, digits: Counts) -> Counts:
    """Numbers at the inputs, [cols, batch], summed over all paths to each output: [rows, batch]."""
    return _walk(
        fabric,
        digits,
        lambda factor, values: _carried([apply(factor, digit, np.add) for digit in values]),
        lambda left, right: _carried(_added(left, right)),
    )


def _walk(
    fabric: Fabric,
    values: Value,
    step: Callable[[Factor, Value], Value],
    combine: Callable[[Value, Value], Value],
) -> Value:
    """`values` through a fabric: `step` at each factor, `combine` where the branches of a sum meet."""
    if isinstance(fabric, Factor):
        return step(fabric, values)
    if isinstance(fabric, Cascade):
        for part in fabric.parts:
            values = _walk(part, values, step, combine)
        return values
    return reduce(combine, (_walk(part, values, step, combine) for part in fabric.parts))


def _added(left: Counts, right: Counts) -> Counts:
    short, long = sorted((left, right), key=len)
    return [a + b for a, b in zip(short, long, strict=False)] + long[len(short) :]


def _carried(digits: Counts) -> Counts:
    """The same numbers with every digit below 2^31."""
    result, carry = [], np.zeros(1, np.int64)
    for digit in digits:
        digit = digit + carry if carry.any() else digit
        carry = digit >> DIGIT
        result.append(digit & (2**DIGIT - 1) if carry.any() else digit)
    while carry.any():
        result.append(carry & (2**DIGIT - 1))
        carry = carry >> DIGIT
    return result


def extreme(digits: Counts, *, largest: bool) -> int:
    """The largest or the least of the numbers, exact; `digits` hold at least one."""
    chosen, number = np.ones(digits[0].shape, np.bool_), 0
    for digit in reversed(digits):
        values = digit[chosen]
        best = int(values.max() if largest else values.min())
        chosen[chosen] = values == best
        number = (number << DIGIT) + best
    return number


def total(digits: Counts) -> int:
    """The exact sum of the numbers."""
    return sum(int(digit.sum()) << (DIGIT * place) for place, digit in enumerate(digits))


def ratios(digits: Counts, total: int, pairs: int) -> NDArray[np.float64]:
    """The numbers over their mean, total / pairs, each within a few roundings, whatever their size."""
    values = np.zeros(digits[0].shape)
    for place, digit in enumerate(digits):
        values += digit * ((pairs << (DIGIT * place)) / total)
    return values
