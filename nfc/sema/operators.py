"""The operators on values: exact integers of bounded size, finite floats, no mixing of kinds."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from nfc.limits import Limits
from nfc.sema.errors import EvaluationError
from nfc.sema.values import Interval, Number, Value, is_integer, is_number, kind_of
from nfc.source import Span

TOLERANCE = 1e-9
"""Relative tolerance of `==` and `!=` where a float takes part."""

_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOPOLOGY_OPERATORS = {
    ">>": "`a >> b` is a cascade of topologies; a shift to the right is `a // 2**b`",
    "|": "`a | b` is the union of topologies; of conditions it is `a or b`",
    "&": "`a & b` is the intersection of topologies; of conditions it is `a and b`",
    "~": "`~a` is the complement of a topology; of a condition it is `not a`",
}


def arithmetic(symbol: str, left: Value, right: Value, span: Span, limits: Limits) -> Number:
    """`left symbol right` for `+ - * / // % ** xor`.

    Raises:
        EvaluationError: the kinds do not fit, there is no result (division by zero, a float that
            overflows), or an integer would pass `limits.integer_bits`, which is found before it is computed.
    """
    if symbol in _TOPOLOGY_OPERATORS:
        raise topology_operator(symbol, span)
    if symbol == "xor":
        return _xor(left, right, span, limits)
    if not (is_number(left) and is_number(right)):
        raise _wrong_kinds(f"`{symbol}` takes numbers", left, right, span)
    assert isinstance(left, int | float)
    assert isinstance(right, int | float)
    _check_bits_before(symbol, left, right, span, limits)
    try:
        result = _ARITHMETIC[symbol](left, right)
    except ZeroDivisionError:
        raise EvaluationError("NF211", "division by zero", span) from None
    except OverflowError:
        raise _overflow(span) from None
    if isinstance(result, complex):
        message = "a negative number has no power with a fraction as its exponent"
        raise EvaluationError("NF211", message, span)
    return checked(result, span, limits)


def negative(value: Value, span: Span) -> Number:
    if not is_number(value):
        raise EvaluationError("NF205", f"`-` takes a number; found {kind_of(value)}", span)
    assert isinstance(value, int | float)
    return -value


def boolean(value: Value, symbol: str, span: Span) -> bool:
    """An operand of `and`, `or`, `not`, or a condition."""
    if not isinstance(value, bool):
        hint = ("compare it, as in `x != 0`",) if is_number(value) else ()
        raise EvaluationError("NF205", f"`{symbol}` takes booleans; found {kind_of(value)}", span, hints=hint)
    return value


def compare(symbol: str, left: Value, right: Value, span: Span) -> bool:
    """`left symbol right` for `== != < <= > >= in`."""
    if symbol == "in":
        return _contains(left, right, span)
    if symbol in ("==", "!="):
        if _category(left) != _category(right):
            raise _wrong_kinds(f"`{symbol}` compares values of one kind", left, right, span)
        return equal(left, right) == (symbol == "==")
    if not (is_number(left) and is_number(right)):
        raise _wrong_kinds(f"`{symbol}` orders numbers", left, right, span)
    return _ORDER[symbol](left, right)  # type: ignore[arg-type]


def equal(left: Value, right: Value) -> bool:
    """Equality: exact, except that numbers agree to TOLERANCE where one is a float."""
    if is_number(left) and is_number(right):
        if is_integer(left) and is_integer(right):
            return left == right
        try:
            return math.isclose(left, right, rel_tol=TOLERANCE)  # type: ignore[arg-type]
        except OverflowError:  # an integer beyond every float
            return False
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return _category(left) == _category(right) and left == right


def checked(number: Number, span: Span, limits: Limits) -> Number:
    """The number, if it is finite and of bounded size."""
    if isinstance(number, float) and not math.isfinite(number):
        raise _overflow(span)
    if isinstance(number, int) and number.bit_length() > limits.integer_bits:
        raise _too_large(span, limits)
    return number


def topology_operator(symbol: str, span: Span) -> EvaluationError:
    """The error for an operator of topologies where a value is expected."""
    message = f"`{symbol}` joins topologies; a value is expected here"
    return EvaluationError("NF205", message, span, hints=(_TOPOLOGY_OPERATORS[symbol],))


def _check_bits_before(symbol: str, left: Number, right: Number, span: Span, limits: Limits) -> None:
    """Refuse a product or power that is certainly too large, at a cost that does not depend on its size."""
    if not (isinstance(left, int) and isinstance(right, int)):
        return
    if symbol == "*" and left and right:
        bits = left.bit_length() + right.bit_length() - 1
    elif symbol == "**" and abs(left) > 1 and right > 0:
        bits = (left.bit_length() - 1) * right + 1
    else:
        return
    if bits > limits.integer_bits:
        raise _too_large(span, limits)


def _xor(left: Value, right: Value, span: Span, limits: Limits) -> int:
    if not (is_integer(left) and is_integer(right)):
        raise _wrong_kinds("`xor` takes integers", left, right, span)
    assert isinstance(left, int)
    assert isinstance(right, int)
    return int(checked(left ^ right, span, limits))


def _contains(left: Value, right: Value, span: Span) -> bool:
    if isinstance(right, Interval):
        if not is_number(left):
            raise _wrong_kinds("`in` looks for a number in a range", left, right, span)
        return left in right  # type: ignore[operator]
    if isinstance(right, tuple):
        return any(equal(left, item) for item in right)
    raise _wrong_kinds("`in` takes a range or a list on its right", left, right, span)


def _category(value: Value) -> str:
    return "number" if is_number(value) else kind_of(value)


def _wrong_kinds(expected: str, left: Value, right: Value, span: Span) -> EvaluationError:
    return EvaluationError("NF205", f"{expected}; found {kind_of(left)} and {kind_of(right)}", span)


def _too_large(span: Span, limits: Limits) -> EvaluationError:
    return EvaluationError("NF711", f"an integer here has more than {limits.integer_bits} bits", span)


def _overflow(span: Span) -> EvaluationError:
    return EvaluationError("NF211", "a number here is too large for a float (about 1.8e308)", span)
