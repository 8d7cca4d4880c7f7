"""Values of the arguments of combinators, and of `width=`: have they the kind and size asked for?"""

from __future__ import annotations

from nfc.sema.errors import SemanticError
from nfc.sema.values import Value, is_integer, kind_of, show
from nfc.source import Span
from nfc.topologies.arguments import accepted
from nfc.topologies.family import Parameter

SEED_BITS = 64


def fitted(parameter: Parameter, value: Value, span: Span) -> Value:
    """The value, if it is of the parameter's kind and in its bounds.

    Raises:
        SemanticError: NF401, as for the arguments of a standard topology.
    """
    if not (_has_kind(value, parameter.kind) and _in_bounds(parameter, value)):
        message = f"`{parameter.name}` is {accepted(parameter)}; found {kind_of(value)} ({show(value)})"
        hints = ("`//` divides integers",) if isinstance(value, float) else ()
        raise SemanticError("NF401", message, span, hints=hints)
    if parameter.kind == "seed" and not 0 <= value < 2**SEED_BITS:  # type: ignore[operator]
        raise SemanticError("NF401", f"a seed lies in 0..<2**{SEED_BITS}; found {show(value)}", span)
    return value


def _has_kind(value: Value, kind: str) -> bool:
    match kind:
        case "integer" | "seed":
            return is_integer(value)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case _:
            return isinstance(value, tuple) and bool(value) and all(is_integer(item) for item in value)


def _in_bounds(parameter: Parameter, value: Value) -> bool:
    if parameter.minimum is None:
        return True
    numbers = value if isinstance(value, tuple) else (value,)
    return all(number >= parameter.minimum for number in numbers)  # type: ignore[operator]
