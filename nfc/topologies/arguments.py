"""Arguments of families: checked against their parameters once, then read with their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from nfc.diagnostics import did_you_mean
from nfc.topologies.family import AUTO, REQUIRED, Arguments, Family, Parameter, TopologyError

KINDS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "a string",
    "integers": "a list of integers such as `[4, 8]`",
    "systems": "a list of lists of integers such as `[[2, 3], [3, 2]]`",
    "seed": "an integer in 0..<2**64",
}


def complete(family: Family, given: Mapping[str, object]) -> Arguments:
    """The given arguments and the defaults of the others, checked.

    Raises:
        TopologyError: NF401 when an argument is unknown, missing, or not of the kind or the range
            that its parameter accepts.
    """
    known = {parameter.name: parameter for parameter in family.parameters}
    for name in given:
        if name not in known:
            message = f"`{family.name}` has no argument `{name}`; it takes {_listed(family)}"
            raise TopologyError(
                "NF401", message, argument=name, hint=next(iter(did_you_mean(name, known)), None)
            )
    arguments = {name: given.get(name, parameter.default) for name, parameter in known.items()}
    for name, value in arguments.items():
        _check(family, known[name], value)
    return cast(Arguments, arguments)


def _listed(family: Family) -> str:
    return ", ".join(f"`{parameter.name}`" for parameter in family.parameters) or "none"


def _check(family: Family, parameter: Parameter, value: object) -> None:
    name = parameter.name
    if value is REQUIRED:
        message = f"`{family.name}` needs the argument `{name}`, {accepted(parameter)}"
        raise TopologyError("NF401", message, argument=name, hint=f"write `{family.name}({name}=…)`")
    if parameter.kind != "seed" and value == parameter.default and value in (None, AUTO):
        return
    if not (_has_kind(parameter.kind, value) and _in_range(parameter, value)):
        message = f"`{name}` of `{family.name}` is {accepted(parameter)}, not `{_written(value)}`"
        hint = "`//` divides to an integer" if _is_quotient(parameter, value) else None
        raise TopologyError("NF401", message, argument=name, hint=hint)


def _is_quotient(parameter: Parameter, value: object) -> bool:
    return parameter.kind in ("integer", "seed") and isinstance(value, float)


def accepted(parameter: Parameter) -> str:
    """The values that a parameter accepts, in words: `an integer of at least 1`."""
    words = KINDS[parameter.kind]
    low, high = parameter.minimum, parameter.maximum
    each = ", each" if parameter.kind in ("integers", "systems") else ""
    if low is not None and high is not None:
        words += f"{each} from {_bound(low)} to {_bound(high)}"
    elif low is not None:
        words += f"{each} of at least {_bound(low)}"
    elif high is not None:
        words += f"{each} of at most {_bound(high)}"
    return f"{words} or `auto`" if parameter.default == AUTO and parameter.kind != "seed" else words


def _bound(number: float) -> str:
    """A bound in full: `:g` alone would round a large integer."""
    return str(int(number)) if number == int(number) else f"{number:g}"


def _has_kind(kind: str, value: object) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "integers":
            return isinstance(value, tuple) and bool(value) and all(_is_integer(item) for item in value)
        case "systems":
            return (
                isinstance(value, tuple)
                and bool(value)
                and all(_has_kind("integers", item) for item in value)
            )
        case "number":
            return _is_integer(value) or isinstance(value, float)
        case _:
            return _is_integer(value)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _in_range(parameter: Parameter, value: object) -> bool:
    if isinstance(value, tuple):
        return all(_in_range(parameter, item) for item in value)
    if not isinstance(value, int | float):
        return True
    low, high = (0, 2**64 - 1) if parameter.kind == "seed" else (parameter.minimum, parameter.maximum)
    return (low is None or value >= low) and (high is None or value <= high)


def _written(value: object) -> str:
    """A value as in `.nf`, shortened where it is long."""
    match value:
        case bool():
            text = str(value).lower()
        case None:
            text = "absent"
        case str():
            text = f'"{value}"'
        case tuple():
            text = f"[{', '.join(_written(item) for item in value[:20])}]"
        case int() if value.bit_length() > 256:
            text = f"an integer of {value.bit_length()} bits"
        case _:
            text = str(value)
    return text if len(text) <= 60 else f"{text[:50]}…"


def require_width(rows: int, arguments: Arguments) -> None:
    """Raise TopologyError NF301 when `width=` asks for another number of outputs than there are."""
    width = optional_integer(arguments, "width")
    if width not in (None, rows):
        message = f"`width={width}` asks for {width} outputs, and the place has {rows}"
        hint = "only a part of a cascade that is not its last sets its own width"
        raise TopologyError("NF301", message, argument="width", hint=hint)


def integer(arguments: Arguments, name: str) -> int:
    """An argument that is an integer and neither absent nor `auto`."""
    return cast(int, arguments[name])


def optional_integer(arguments: Arguments, name: str) -> int | None:
    """An integer, or None where it is absent or `auto`."""
    value = arguments.get(name)
    return None if value is None or value == AUTO else cast(int, value)


def number(arguments: Arguments, name: str) -> float:
    return float(cast(float, arguments[name]))


def boolean(arguments: Arguments, name: str) -> bool:
    return cast(bool, arguments[name])


def integers(arguments: Arguments, name: str) -> tuple[int, ...] | None:
    """A list of integers, or None where it is absent."""
    return cast("tuple[int, ...] | None", arguments.get(name))


def systems(arguments: Arguments, name: str) -> tuple[tuple[int, ...], ...]:
    return cast("tuple[tuple[int, ...], ...]", arguments[name])
