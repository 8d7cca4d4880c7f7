"""Fast comparisons of vectors: where they are certain to agree with `nfc.sema.operators`, else None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nfc.ir.factors import Flags
from nfc.sema.masks.arithmetic import EXACT_IN_FLOAT
from nfc.sema.masks.vectors import Constant, Ends, Items, Operand, Vector, as_vector, number_vector
from nfc.sema.operators import TOLERANCE
from nfc.sema.values import Interval, Value, is_integer

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def compare(symbol: str, left: Operand, right: Operand) -> Vector | None:
    """`left symbol right` for `== != < <= > >= in`; None where it has to be done index by index."""
    flags = (
        _contained(left, right) if symbol == "in" else _compared(symbol, as_vector(left), as_vector(right))
    )
    return None if flags is None else Vector(flags)


def _compared(symbol: str, left: Vector | None, right: Vector | None) -> Flags | None:
    if left is None or right is None:
        return None
    if symbol in ("==", "!="):
        same = _equal(left, right)
        return same if same is None or symbol == "==" else ~same
    if not _comparable(left, right) or left.is_boolean:
        return None
    flags: Flags = _ORDER[symbol](left.values, right.values)
    return flags


def _comparable(left: Vector, right: Vector) -> bool:
    """Whether NumPy's comparison is exact: of one kind, or integers that floats hold without rounding."""
    if left.values.dtype == right.values.dtype:
        return left.values.dtype != np.object_
    if {left.is_integer, left.is_float} == {right.is_integer, right.is_float} == {True, False}:
        return max(left.magnitude, right.magnitude) <= EXACT_IN_FLOAT
    return False


def _equal(left: Vector, right: Vector) -> Flags | None:
    if not _comparable(left, right):
        return None
    first, second = left.values, right.values
    same: Flags = first == second
    if left.is_float or right.is_float:  # as `math.isclose`
        with np.errstate(over="ignore"):
            distance = np.abs(first - second)
        same |= (distance <= np.abs(TOLERANCE * first)) | (distance <= np.abs(TOLERANCE * second))
    return same


# --- in ----------------------------------------------------------------------------------------


def _contained(left: Operand, right: Operand) -> Flags | None:
    vector = as_vector(left)
    if vector is None:
        return None
    match right:
        case Ends():
            return _between(vector, right.low, right.high, right.inclusive)
        case Constant(value=Interval() as interval):
            low, high = number_vector(interval.low), number_vector(interval.high)
            return None if low is None or high is None else _between(vector, low, high, interval.inclusive)
        case Constant(value=tuple() as values) if vector.is_integer and all(map(is_integer, values)):
            return _among(vector, values)
        case Constant(value=tuple() as values):
            return _equal_to_any(vector, [Constant(value) for value in values])
        case Items(items=items):
            return _equal_to_any(vector, items)
        case _:
            return None


def _between(vector: Vector, low: Vector, high: Vector, inclusive: bool) -> Flags | None:
    if vector.is_boolean:
        return None
    above = _compared("<=", low, vector)
    below = _compared("<=" if inclusive else "<", vector, high)
    return None if above is None or below is None else above & below


def _among(vector: Vector, values: tuple[Value, ...]) -> Flags:
    flags: Flags = np.isin(vector.values, np.array(values, np.int64))
    return flags


def _equal_to_any(vector: Vector, items: list[Operand] | tuple[Operand, ...]) -> Flags | None:
    """Whether one of the items is equal; those of another category are not, and no error."""
    found: Flags = np.zeros((1,) * vector.values.ndim, np.bool_)
    for item in items:
        other = as_vector(item)
        if other is None or vector.values.dtype == np.object_ or other.values.dtype == np.object_:
            return None
        if vector.is_boolean != other.is_boolean:
            continue
        same = _equal(vector, other)
        if same is None:
            return None
        found = found | same
    return found
