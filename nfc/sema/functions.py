"""The standard functions of constant expressions, in one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from nfc.sema.values import Interval, Number, Value, is_integer, is_number, kind_of, show

Items = tuple[Value, ...] | range


class FunctionError(Exception):
    """An argument does not fit. `code` is NF205 for its kind, NF211 where the function has no result."""

    def __init__(self, message: str, code: str = "NF205") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Function:
    """A function of `least` up to `most` positional arguments (None: any number)."""

    name: str
    signature: str
    apply: Callable[[Sequence[Value]], Value]
    least: int = 1
    most: int | None = 1


def _number(value: Value) -> Number:
    if not is_number(value):
        raise FunctionError(f"takes numbers; found {kind_of(value)}")
    return value  # type: ignore[return-value]


def _integer(value: Value) -> int:
    if not is_integer(value):
        raise FunctionError(f"takes integers; found {kind_of(value)}")
    return value  # type: ignore[return-value]


def _at_least_zero(value: Number) -> Number:
    if value < 0:
        raise FunctionError(f"takes numbers from 0; found {show(value)}", "NF211")
    return value


def _items(value: Value) -> Items:
    if isinstance(value, tuple):
        return value
    if isinstance(value, Interval):
        if value.integers is None:
            raise FunctionError("takes a range of integers; found one of floats")
        return value.integers
    raise FunctionError(f"takes a list or a range; found {kind_of(value)}")


T = TypeVar("T", bound=Number)


def _extreme(
    choose: Callable[[Sequence[Number]], Number],
) -> Callable[[Sequence[Value]], Value]:
    def apply(arguments: Sequence[Value]) -> Value:
        values = _items(arguments[0]) if len(arguments) == 1 else tuple(arguments)
        if not values:
            raise FunctionError("takes at least one number; found none", "NF211")
        if isinstance(values, range):
            return choose((values[0], values[-1]))
        return choose([_number(value) for value in values])

    return apply


def _sum(arguments: Sequence[Value]) -> Value:
    values = _items(arguments[0])
    if isinstance(values, range):
        return (values[0] + values[-1]) * length(values) // 2 if values else 0
    return sum(_number(value) for value in values)


def length(values: Sequence[Value] | range) -> int:
    """The length, also of a range longer than `len` can say."""
    return values.stop - values.start if isinstance(values, range) else len(values)


def _len(arguments: Sequence[Value]) -> Value:
    value = arguments[0]
    return len(value) if isinstance(value, str) else length(_items(value))


def _log(arguments: Sequence[Value]) -> Value:
    number, base = _number(arguments[0]), _number(arguments[1])
    if number <= 0:
        raise FunctionError(f"takes a number above 0; found {show(number)}", "NF211")
    if base <= 0 or base == 1:
        raise FunctionError(f"takes a base above 0 other than 1; found {show(base)}", "NF211")
    exact = _exact_log(number, base)
    if exact is not None:
        return exact
    return math.log2(number) if base == 2 else math.log(number) / math.log(base)


def _exact_log(number: Number, base: Number) -> int | None:
    """The integer k with number == base**k, a float taken for the fraction that it is; None without one."""
    estimate = round(math.log(number) / math.log(base))
    power, root = Fraction(number), Fraction(base)
    # In lowest terms root**k grows by the bits of its larger term; beyond those of power it cannot be equal.
    bits = max(power.numerator, power.denominator).bit_length()
    if abs(estimate) * (max(root.numerator, root.denominator).bit_length() - 1) > bits:
        return None
    return estimate if root**estimate == power else None


def _popcount(arguments: Sequence[Value]) -> Value:
    return int(_at_least_zero(_integer(arguments[0]))).bit_count()


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("abs", "abs(x)", lambda a: abs(_number(a[0]))),
        Function("min", "min(list) or min(a, b, …)", _extreme(min), 1, None),
        Function("max", "max(list) or max(a, b, …)", _extreme(max), 1, None),
        Function("sum", "sum(list)", _sum),
        Function("len", "len(list)", _len),
        Function("floor", "floor(x)", lambda a: math.floor(_number(a[0]))),
        Function("ceil", "ceil(x)", lambda a: math.ceil(_number(a[0]))),
        Function("round", "round(x)", lambda a: round(_number(a[0]))),
        Function("sqrt", "sqrt(x)", lambda a: math.sqrt(_at_least_zero(_number(a[0])))),
        Function("isqrt", "isqrt(n)", lambda a: math.isqrt(int(_at_least_zero(_integer(a[0]))))),
        Function("log2", "log2(x)", lambda a: _log((a[0], 2))),
        Function("log", "log(x, base)", _log, 2, 2),
        Function("gcd", "gcd(a, b, …)", lambda a: math.gcd(*map(_integer, a)), 1, None),
        Function("popcount", "popcount(n)", _popcount),
    )
}
"""By name. `round` takes halves to the even neighbour; `sqrt` gives a float, `isqrt` the floored integer."""
