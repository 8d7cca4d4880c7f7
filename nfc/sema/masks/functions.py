"""Fast functions of vectors: where they are certain to agree with `nfc.sema.functions`, else None."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.sema.masks.arithmetic import EXACT_IN_FLOAT, arithmetic
from nfc.sema.masks.comparison import compare
from nfc.sema.masks.vectors import (
    LEAST,
    Constant,
    Items,
    Operand,
    Vector,
    as_vector,
    gathered,
    integers,
)
from nfc.sema.values import is_number


def apply(function: str, arguments: Sequence[Operand]) -> Vector | None:
    """The function's value at each index; None where it has to be worked out index by index."""
    if function in ("min", "max"):
        return _extreme("<" if function == "min" else ">", _spread(arguments))
    if function == "gcd":
        return _gcd(arguments)
    if len(arguments) == 1 and isinstance(arguments[0], Items) and function in ("len", "sum"):
        items = arguments[0].items
        return _total(items) if function == "sum" else _constant(len(items))
    of_one = _OF_ONE.get(function)
    if of_one is None or len(arguments) != 1:
        return None
    vector = as_vector(arguments[0])
    return None if vector is None else of_one(vector)


def _constant(value: int) -> Vector:
    return Vector(np.array([value], np.int64), value, value)


def _total(items: Sequence[Operand]) -> Vector | None:
    """The sum of integers, where no partial sum can pass 64 bits."""
    so_far: Vector | None = _constant(0)
    for item in items:
        so_far = _added(so_far, item)
    return so_far


def _added(so_far: Vector | None, item: Operand) -> Vector | None:
    vector = as_vector(item)
    if so_far is None or vector is None or not vector.is_integer:
        return None
    result = arithmetic("+", so_far, vector)
    return None if result is None or result.wrong is not None else result


def _spread(arguments: Sequence[Operand]) -> Sequence[Operand]:
    """The numbers among which `min` and `max` choose: the arguments, or the items of the only one."""
    if len(arguments) != 1:
        return arguments
    match arguments[0]:
        case Items(items=items):
            return items
        case Constant(value=tuple() as values):
            return [Constant(value) for value in values]
        case _:
            return ()


def _extreme(symbol: str, items: Sequence[Operand]) -> Vector | None:
    vectors = [as_vector(item) for item in items]
    if not vectors:
        return None
    return reduce(lambda best, vector: _better(symbol, best, vector), vectors)


def _better(symbol: str, best: Vector | None, other: Vector | None) -> Vector | None:
    """The first of two numbers unless the other is better, as Python's `min` and `max` choose."""
    if best is None or other is None or best.values.dtype != other.values.dtype:
        return None
    better = compare(symbol, other, best)
    if better is None:
        return None
    values = np.where(better.values, other.values, best.values)
    return Vector(values, min(best.low, other.low), max(best.high, other.high))


def _gcd(arguments: Sequence[Operand]) -> Vector | None:
    result: NDArray[np.int64] = np.zeros(1, np.int64)
    high = 0
    for argument in arguments:
        vector = as_vector(argument)
        if vector is None or not vector.is_integer or vector.low == LEAST:
            return None
        result, high = np.gcd(result, vector.values), max(high, vector.magnitude)
    return Vector(result, 0, high)


# --- functions of one number -------------------------------------------------------------------


def _absolute(vector: Vector) -> Vector | None:
    if vector.is_float:
        return Vector(np.abs(vector.values))
    if not vector.is_integer or vector.low == LEAST:
        return None
    low = max(vector.low, -vector.high, 0)
    return Vector(np.abs(vector.values), low, vector.magnitude)


def _rounded(
    of_floats: Callable[[NDArray[Any]], NDArray[Any]], of_number: Callable[[float], int]
) -> Callable[[Vector], Vector | None]:
    def apply(vector: Vector) -> Vector | None:
        if vector.is_integer:
            return Vector(vector.values, vector.low, vector.high)
        if vector.is_float:
            values = of_floats(vector.values)
            wrong = ~((values >= -(2.0**63)) & (values < 2.0**63))
            return integers(np.where(wrong, 0, values).astype(np.int64), wrong if wrong.any() else None)
        return _each(vector, of_number)

    return apply


def _each(vector: Vector, function: Callable[[float], int]) -> Vector | None:
    """A function of numbers that are integers here and floats there."""
    if vector.wrong is not None or not all(map(is_number, vector.values.flat)):
        return None
    try:
        result = gathered([function(value) for value in vector.values.flat], None)
    except OverflowError:
        return None
    return Vector(result.values.reshape(vector.values.shape), result.low, result.high)


def _square_root(vector: Vector) -> Vector | None:
    if not (vector.is_integer or vector.is_float):
        return None
    wrong = vector.values < 0
    values = np.sqrt(np.where(wrong, 0, vector.values).astype(np.float64))
    return Vector(values, wrong=wrong if wrong.any() else None)


def _integer_root(vector: Vector) -> Vector | None:
    # Below 2^52 a root that is rounded to a float is never rounded up to an integer.
    if not vector.is_integer or vector.low < 0 or vector.high >= EXACT_IN_FLOAT // 2:
        return None
    values = np.sqrt(vector.values.astype(np.float64)).astype(np.int64)
    return Vector(values, math.isqrt(vector.low), math.isqrt(vector.high))


def _population_count(vector: Vector) -> Vector | None:
    if not vector.is_integer:
        return None
    wrong = vector.values < 0 if vector.low < 0 else None
    values = vector.values if wrong is None else np.where(wrong, 0, vector.values)
    bits = vector.high.bit_length() if vector.high > 0 else 0
    if wrong is not None and not wrong.any():
        wrong = None
    return Vector(_count_ones(values), 0, bits, wrong)


def _count_ones(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ones among the binary digits of integers from 0."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(values).astype(np.int64)
    # Digits are added in pairs, then in fours and eights; a product adds the eights up in the top byte.
    values = values - ((values >> 1) & 0x5555555555555555)
    values = (values & 0x3333333333333333) + ((values >> 2) & 0x3333333333333333)
    values = (values + (values >> 4)) & 0x0F0F0F0F0F0F0F0F
    counts: NDArray[np.int64] = (values * 0x0101010101010101) >> 56
    return counts


def _binary_logarithm(vector: Vector) -> Vector | None:
    """An integer where the number is a power of two, a float elsewhere."""
    if not vector.is_integer or vector.low < 1:
        return None
    numbers = vector.values.reshape(-1)
    exact = numbers & (numbers - 1) == 0
    floats = list(map(math.log2, numbers.tolist()))
    logarithms = [
        round(logarithm) if whole else logarithm
        for logarithm, whole in zip(floats, exact.tolist(), strict=True)
    ]
    result = gathered(logarithms, None)
    return Vector(result.values.reshape(vector.values.shape), result.low, result.high)


_OF_ONE: dict[str, Callable[[Vector], Vector | None]] = {
    "abs": _absolute,
    "floor": _rounded(np.floor, math.floor),
    "ceil": _rounded(np.ceil, math.ceil),
    "round": _rounded(np.rint, round),
    "sqrt": _square_root,
    "isqrt": _integer_root,
    "log2": _binary_logarithm,
    "popcount": _population_count,
}
