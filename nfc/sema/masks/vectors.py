"""The values of a subexpression at many indices of a mask at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Flags
from nfc.sema.values import Interval, Value, is_integer

LEAST, GREATEST = -(2**63), 2**63 - 1
"""The integers of mask arithmetic: 64 bits, signed."""


@dataclass(frozen=True, eq=False, slots=True)
class Vector:
    """A value at each index; the shapes of the vectors of one slice broadcast.

    Attributes:
        values: int64, float64 or bool; object where the kind of value differs from index to index.
        low, high: integers lie in low..high, which may be wider than need be; (0, 0) for other kinds.
        wrong: where there is no value, None for nowhere; it broadcasts with `values`, which hold
            something harmless there.
    """

    values: NDArray[Any]
    low: int = 0
    high: int = 0
    wrong: Flags | None = None

    @property
    def is_integer(self) -> bool:
        return self.values.dtype == np.int64

    @property
    def is_float(self) -> bool:
        return self.values.dtype == np.float64

    @property
    def is_boolean(self) -> bool:
        return self.values.dtype == np.bool_

    @property
    def magnitude(self) -> int:
        """The greatest absolute value that an integer here may have."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, eq=False, slots=True)
class Items:
    """A list with items that differ from index to index."""

    items: tuple[Operand, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Ends:
    """A range with ends that differ from index to index; both ends are numbers."""

    low: Vector
    high: Vector
    inclusive: bool


@dataclass(frozen=True, eq=False, slots=True)
class Constant:
    """A value that is the same at every index."""

    value: Value


Operand = Vector | Items | Ends | Constant


def integers(values: NDArray[np.int64], wrong: Flags | None = None) -> Vector:
    """A vector of integers with the bounds that they have; zero where there is none."""
    if wrong is not None:
        values = np.where(wrong, 0, values)
    if not values.size:
        return Vector(values, wrong=wrong)
    return Vector(values, int(values.min()), int(values.max()), wrong)


def number_vector(value: Value) -> Vector | None:
    """A constant as a vector of one element; None where it is no boolean, float or integer of 64 bits."""
    if isinstance(value, bool):
        return Vector(np.array([value]))
    if isinstance(value, float):
        return Vector(np.array([value]))
    if isinstance(value, int) and LEAST <= value <= GREATEST:
        return Vector(np.array([value], np.int64), value, value)
    return None


def as_vector(operand: Operand) -> Vector | None:
    """The operand as a vector, None where it is a list, a range or a string."""
    if isinstance(operand, Constant):
        return number_vector(operand.value)
    return operand if isinstance(operand, Vector) else None


def either(first: Flags | None, second: Flags | None) -> Flags | None:
    if first is None or second is None:
        return second if first is None else first
    return first | second


def wrong_in(operands: Iterable[Operand]) -> Flags | None:
    """Where one of the operands has no value."""
    found: Flags | None = None
    for operand in operands:
        match operand:
            case Vector():
                found = either(found, operand.wrong)
            case Items():
                found = either(found, wrong_in(operand.items))
            case Ends():
                found = either(found, either(operand.low.wrong, operand.high.wrong))
    return found


def shape_of(operands: Iterable[Operand]) -> tuple[int, ...]:
    """The shape that the operands broadcast to."""
    shapes: list[tuple[int, ...]] = []
    for operand in operands:
        match operand:
            case Vector():
                shapes += [operand.values.shape, *([] if operand.wrong is None else [operand.wrong.shape])]
            case Items():
                shapes.append(shape_of(operand.items))
            case Ends():
                shapes.append(shape_of((operand.low, operand.high)))
    return np.broadcast_shapes((1,), *shapes)


def values_of(operand: Operand, shape: tuple[int, ...]) -> Sequence[Value]:
    """The operand's value at each index of the shape, in order."""
    match operand:
        case Constant(value=value):
            return [value] * int(np.prod(shape))
        case Vector():
            values: list[Value] = np.broadcast_to(operand.values, shape).reshape(-1).tolist()
            return values
        case Items(items=items):
            return list(zip(*(values_of(item, shape) for item in items), strict=True))
        case Ends():
            ends = zip(values_of(operand.low, shape), values_of(operand.high, shape), strict=True)
            return [Interval(low, high, operand.inclusive) for low, high in ends]  # type: ignore[arg-type]


def gathered(values: Sequence[Value], wrong: Flags | None) -> Vector:
    """A vector of one dimension from values of any kinds; where `wrong`, what stands there has no meaning."""
    kinds = {type(value) for value in values} if wrong is None else _kinds(values, wrong)
    if wrong is not None:
        filler: Value = {int: 0, float: 0.0}.get(next(iter(kinds)), False) if len(kinds) == 1 else False
        values = [filler if bad else value for value, bad in zip(values, wrong.tolist(), strict=True)]
    if kinds == {int}:
        return integers(np.array(values, np.int64), wrong)
    if kinds == {float}:
        return Vector(np.array(values, np.float64), wrong=wrong)
    if kinds <= {bool}:
        return Vector(np.array(values, np.bool_), wrong=wrong)
    return Vector(np.fromiter(values, np.object_, len(values)), wrong=wrong)


def _kinds(values: Sequence[Value], wrong: Flags) -> set[type]:
    return {type(value) for value, bad in zip(values, wrong.tolist(), strict=True) if not bad}


def fits(value: Value) -> bool:
    """Whether every integer in a value has 64 bits."""
    if isinstance(value, tuple):
        return all(map(fits, value))
    if isinstance(value, Interval):
        return fits(value.low) and fits(value.high)
    return not is_integer(value) or LEAST <= value <= GREATEST  # type: ignore[operator]
