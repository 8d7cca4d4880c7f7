"""Values of an operation's arguments: evaluated, of the right kind, in their bounds, defaults filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.matched import Matched
from nfc.sema.operations import REQUIRED, Slot
from nfc.sema.values import Value, is_integer, is_number, kind_of, show
from nfc.syntax import ast

_EXPECTED = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "`true` or `false`",
    "shape": "an integer or a list of integers",
    "window": "an integer or a list of two",
}


@dataclass(frozen=True)
class SlotValues:
    """The values of an operation's arguments by slot name; those with mistakes are left out.

    `sound` says that nothing was wrong with the operation's arguments, here or before.
    """

    values: dict[str, Value | None]
    errors: tuple[SemanticError, ...]
    sound: bool


def slot_values(matched: Matched, evaluate: Callable[[ast.Expression], Value]) -> SlotValues:
    """Evaluate an operation's arguments."""
    values: dict[str, Value | None] = {}
    errors: list[SemanticError] = []
    sound = matched.sound
    for slot in (*matched.operation.positionals, *matched.operation.keywords):
        expression = matched.arguments.get(slot.name)
        if expression is None:
            if slot.default is not REQUIRED:
                values[slot.name] = slot.default  # type: ignore[assignment]
            continue
        try:
            values[slot.name] = _value(slot, expression, matched.operation.name, evaluate)
        except SemanticError as error:
            errors.append(error)
        except AlreadyReported:
            sound = False
    return SlotValues(values, tuple(errors), sound and not errors)


def _value(
    slot: Slot, node: ast.Expression, operation: str, evaluate: Callable[[ast.Expression], Value]
) -> Value:
    if isinstance(node, ast.Name) and node.name in slot.words:
        return node.name
    value = evaluate(node)
    if not _fits(slot, value):
        hints = ("`//` divides integers, `round` rounds",) if isinstance(value, float) else ()
        found = f"found {kind_of(value)} ({show(value)})"
        raise SemanticError("NF205", f"{_expected(slot, operation)}; {found}", node.span, hints=hints)
    if not all(_in_bounds(slot, number) for number in (value if isinstance(value, tuple) else (value,))):
        inferred = slot.kind == "shape" and isinstance(value, tuple) and -1 in value
        hints = ("every size is written out; none is worked out from the others",) if inferred else ()
        raise SemanticError(
            "NF212", f"{_expected(slot, operation)}; found {show(value)}", node.span, hints=hints
        )
    return value


def _expected(slot: Slot, operation: str) -> str:
    keyed = slot.name.islower()
    kind, low, high = _EXPECTED[slot.kind], slot.minimum, slot.below
    if low is not None and high is not None:
        kind += f" from {low:g} to below {high:g}"
    elif low is not None:
        kind += f"{', each' if slot.kind in ('shape', 'window') else ''} of at least {low:g}"
    return f"`{slot.name}` of `{operation}` is {kind}" if keyed else f"`{operation}` takes {kind}"


def _fits(slot: Slot, value: Value) -> bool:
    match slot.kind:
        case "integer":
            return is_integer(value)
        case "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "shape":
            return is_integer(value) or (_is_integers(value) and value != ())
        case _:
            return is_integer(value) or (_is_integers(value) and len(value) == 2)  # type: ignore[arg-type]


def _is_integers(value: Value) -> bool:
    return isinstance(value, tuple) and all(is_integer(item) for item in value)


def _in_bounds(slot: Slot, number: Value) -> bool:
    if not is_number(number):
        return True
    low, high = slot.minimum, slot.below
    return (low is None or number >= low) and (high is None or number < high)  # type: ignore[operator]
