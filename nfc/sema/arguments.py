"""Values of arguments: do they have the kind and the size that a parameter asks for?"""

from __future__ import annotations

from nfc.sema.errors import SemanticError
from nfc.sema.values import Value, is_integer, is_number, kind_of, show
from nfc.source import Span
from nfc.topologies.family import Parameter

SEED_BITS = 64
_EXPECTED = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "a string",
    "integers": "a list of integers",
    "systems": "a list of lists of integers",
    "seed": "an integer or `auto`",
}


def fitted(parameter: Parameter, value: Value, span: Span) -> Value:
    """The value, if it has the parameter's kind and lies in its bounds.

    Raises:
        SemanticError: NF205 for its kind, NF212 for its size.
    """
    if not _has_kind(value, parameter.kind):
        expected = _EXPECTED[parameter.kind]
        message = f"`{parameter.name}` is {expected}; found {kind_of(value)}"
        hints = (f"`{show(value)}` has a fraction: `//` divides integers",) if _is_quotient(parameter, value) else ()
        raise SemanticError("NF205", message, span, hints=hints)
    if parameter.kind == "seed" and not 0 <= value < 2**SEED_BITS:  # type: ignore[operator]
        raise SemanticError("NF212", f"a seed lies in 0..<2**64; found {show(value)}", span)
    for number in _numbers(value):
        check_bounds(parameter.name, number, parameter.minimum, parameter.maximum, span)
    return value


def check_bounds(
    name: str, number: int | float, minimum: float | None, maximum: float | None, span: Span
) -> None:
    if minimum is not None and number < minimum:
        raise SemanticError("NF212", f"`{name}` is at least {_plain(minimum)}; found {show(number)}", span)
    if maximum is not None and number > maximum:
        raise SemanticError("NF212", f"`{name}` is at most {_plain(maximum)}; found {show(number)}", span)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _has_kind(value: Value, kind: str) -> bool:
    match kind:
        case "integer" | "seed":
            return is_integer(value)
        case "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "integers":
            return isinstance(value, tuple) and all(is_integer(item) for item in value)
        case _:
            return isinstance(value, tuple) and all(_has_kind(item, "integers") for item in value)


def _is_quotient(parameter: Parameter, value: Value) -> bool:
    return parameter.kind in ("integer", "seed") and isinstance(value, float)


def _numbers(value: Value) -> list[int | float]:
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers(item)]
    return [value] if is_number(value) else []  # type: ignore[list-item]
