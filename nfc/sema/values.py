"""Values of constant expressions, their kinds, and how messages show them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """`low..high`, or `low..<high` where `inclusive` is false. Empty where the ends leave nothing."""

    low: int | float
    high: int | float
    inclusive: bool

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high if self.inclusive else self.low <= number < self.high

    @property
    def integers(self) -> range | None:
        """The integers of the range in order; None where an end is not an integer."""
        if isinstance(self.low, float) or isinstance(self.high, float):
            return None
        return range(self.low, max(self.low, self.high + self.inclusive))


Value = int | float | bool | str | tuple["Value", ...] | Interval
"""A list is a tuple. Integers are exact; floats are finite."""

Number = int | float


def is_number(value: object) -> bool:
    """Whether a value is an integer or a float; booleans are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def kind_of(value: Value) -> str:
    """The kind of a value, with its article: `an integer`, `a list` …"""
    match value:
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a float"
        case str():
            return "a string"
        case tuple():
            return "a list"
        case Interval():
            return "a range"


def is_small(value: Value, items: int, depth: int) -> bool:
    """Whether lists in lists hold at most `items` values and lie at most `depth` deep."""
    pending = [(value, 0)]
    for _ in range(items + 1):
        if not pending:
            return True
        inner, level = pending.pop()
        if isinstance(inner, tuple):
            if level >= depth:
                return False
            pending += [(item, level + 1) for item in inner]
    return False


def show(value: Value) -> str:
    """A value as `.nf` text, shortened where it is long."""
    text = _show(value)
    return text if len(text) <= 60 else f"{text[:40]}…{text[-10:]}"


def _show(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= 256 else f"an integer of {value.bit_length()} bits"
        case float():
            return repr(value)
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(_show(item) for item in value[:20])}]"
        case Interval():
            return f"{_show(value.low)}{'..' if value.inclusive else '..<'}{_show(value.high)}"
