"""The values that `s in …` of a cascade runs through."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.functions import length
from nfc.sema.values import Interval, Value, kind_of
from nfc.syntax import ast


def loop_values(each: ast.Each, environment: Environment) -> Sequence[Value]:
    """The values in order, at least one. Raises SemanticError."""
    span = each.range.span
    value = environment.value(each.range)
    values: Sequence[Value] | None = value if isinstance(value, tuple) else None
    if isinstance(value, Interval):
        values = value.integers
        if values is None:
            raise SemanticError("NF205", "the ends of this range are integers; found a float", span)
    if values is None:
        raise SemanticError("NF205", f"a range or a list is expected here; found {kind_of(value)}", span)
    if not values:
        raise SemanticError("NF212", "there is nothing to run through: a cascade has one part or more", span)
    if length(values) > environment.limits.operations:
        message = f"there are more than {environment.limits.operations} copies here"
        raise SemanticError("NF712", message, span)
    return values
