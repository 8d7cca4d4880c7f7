"""Fast arithmetic on vectors: where it is certain to agree with `nfc.sema.operators`, else None.

Bounds of integers prove most results to lie in 64 bits; the others are computed exactly, and marked
wrong where they do not. Floats follow IEEE 754 as Python's do.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Flags
from nfc.sema.masks.powers import power
from nfc.sema.masks.vectors import GREATEST, LEAST, Operand, Vector, as_vector, integers

EXACT_IN_FLOAT = 2**53
"""Integers up to this size are floats without rounding."""


def arithmetic(symbol: str, left: Operand, right: Operand) -> Vector | None:
    """`left symbol right` for `+ - * / // % ** xor`; None where it has to be done index by index."""
    first, second = as_vector(left), as_vector(right)
    if first is None or second is None:
        return None
    if first.is_integer and second.is_integer:
        return _OF_INTEGERS[symbol](first, second)
    if {first.is_integer, first.is_float} == {second.is_integer, second.is_float} == {True, False}:
        return _of_floats(symbol, first, second)
    return None


def negative(operand: Operand) -> Vector | None:
    vector = as_vector(operand)
    if vector is None or vector.low == LEAST or not (vector.is_integer or vector.is_float):
        return None
    return Vector(-vector.values, -vector.high, -vector.low)


# --- integers ----------------------------------------------------------------------------------


def _ring(
    operation: Callable[[Any, Any], Any],
) -> Callable[[Vector, Vector], Vector]:
    """Addition, subtraction or multiplication: extreme at the corners of the operands' bounds."""

    def apply(left: Vector, right: Vector) -> Vector:
        corners = [operation(x, y) for x, y in product((left.low, left.high), (right.low, right.high))]
        if min(corners) >= LEAST and max(corners) <= GREATEST:
            return Vector(operation(left.values, right.values), min(corners), max(corners))
        return _exactly(operation(left.values.astype(object), right.values.astype(object)))

    return apply


def _exactly(numbers: NDArray[Any]) -> Vector:
    """Integers of any size as a vector, wrong where they do not have 64 bits."""
    wrong = ((numbers < LEAST) | (numbers > GREATEST)).astype(np.bool_)
    return integers(np.where(wrong, 0, numbers).astype(np.int64), wrong)


def _floored(left: Vector, right: Vector) -> Vector | None:
    if _may_overflow(left, right):
        return None
    divisor, wrong = _divisor(right)
    if right.low > 0:
        corners = [x // y for x, y in product((left.low, left.high), (right.low, right.high))]
        low, high = min(corners), max(corners)
    else:
        low, high = -left.magnitude, left.magnitude
    return Vector(left.values // divisor, low, high, wrong)


def _remainder(left: Vector, right: Vector) -> Vector | None:
    if _may_overflow(left, right):
        return None
    divisor, wrong = _divisor(right)
    low, high = min(right.low + 1, 0), max(right.high - 1, 0)
    if right.low > 0 and left.low >= 0:
        high = min(high, left.high)
    return Vector(_remainders(left.values, divisor), low, high, wrong)


def _remainders(values: NDArray[np.int64], divisor: NDArray[np.int64]) -> NDArray[np.int64]:
    """`values % divisor`, floored; NumPy divides by a scalar far faster than it takes remainders."""
    if divisor.size > 1:
        return values % divisor
    return values - values // divisor * divisor


def _may_overflow(left: Vector, right: Vector) -> bool:
    """Whether the one quotient of two integers of 64 bits that has more, -2**63 // -1, may occur."""
    return left.low == LEAST and right.low <= -1 <= right.high


def _divisor(right: Vector) -> tuple[NDArray[np.int64], Flags | None]:
    """The divisor with one in place of zero, and where it was zero."""
    if not right.low <= 0 <= right.high:
        return right.values, None
    wrong = right.values == 0
    return (np.where(wrong, 1, right.values), wrong) if wrong.any() else (right.values, None)


def _exclusive_or(left: Vector, right: Vector) -> Vector:
    bits = max(bound.bit_length() for bound in (left.low, left.high, right.low, right.high))
    low = 0 if left.low >= 0 and right.low >= 0 else max(-(2**bits), LEAST)
    return Vector(left.values ^ right.values, low, min(2**bits - 1, GREATEST))


def _quotient(left: Vector, right: Vector) -> Vector | None:
    if max(left.magnitude, right.magnitude) > EXACT_IN_FLOAT:
        return None
    return _of_floats("/", left, right)


_OF_INTEGERS: dict[str, Callable[[Vector, Vector], Vector | None]] = {
    "+": _ring(lambda x, y: x + y),
    "-": _ring(lambda x, y: x - y),
    "*": _ring(lambda x, y: x * y),
    "/": _quotient,
    "//": _floored,
    "%": _remainder,
    "**": power,
    "xor": _exclusive_or,
}

# --- floats ------------------------------------------------------------------------------------

_FLOAT_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.remainder,
}


def _of_floats(symbol: str, left: Vector, right: Vector) -> Vector | None:
    operation = _FLOAT_OPERATIONS.get(symbol)
    if operation is None:
        return None
    with np.errstate(all="ignore"):
        values = operation(left.values.astype(np.float64), right.values.astype(np.float64))
    wrong = ~np.isfinite(values)
    if symbol in ("/", "//", "%"):
        wrong |= right.values == 0
    return Vector(np.where(wrong, 0.0, values), wrong=wrong) if wrong.any() else Vector(values)
