"""Widths inside a cascade: which parts set their own, and which have no weights."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.sema.arguments import fitted, no_automatic
from nfc.sema.environment import Environment
from nfc.sema.errors import LimitError
from nfc.sema.loops import loop_values
from nfc.sema.resolve import Copies, Masked, Meaning, Standard, resolve
from nfc.sema.tree import chain
from nfc.syntax import ast
from nfc.topologies import FAMILIES

_SETS_WIDTH = frozenset({"dense", "random"})
"""The topologies whose `width` is the number of their outputs (a band's `width` is another thing)."""


def sets_width(name: str) -> bool:
    return name in _SETS_WIDTH


def own_width(node: ast.Expression, environment: Environment, cols: int) -> int | None:
    """The outputs that a part which is not the last asks for itself by `width=`; None where it does not.

    What matters is the last factor of the part: that of a cascade's last part with weights, of a
    copy, of the first part of a sum or of the mask algebra (the parts must agree).
    """
    while True:
        match node:
            case ast.Binary(operator=">>"):
                node = _last_weighted(chain(node, ">>"), environment, cols)
            case ast.Binary(operator="+" | "|" | "&" | "-" as operator):
                node = chain(node, operator)[0]
            case ast.Unary(operator="~", operand=operand):
                node = operand
            case ast.Name() | ast.Call():
                meaning = resolve(node, environment, (cols, cols))
                if isinstance(meaning, Standard) and sets_width(meaning.name):
                    return _width(meaning, environment)
                following = _last(meaning, environment)
                if following is None:
                    return None
                node, environment = following
            case _:
                return None


def _last_weighted(parts: Sequence[ast.Expression], environment: Environment, cols: int) -> ast.Expression:
    """The last part of a cascade that is more than permutations; the first where none is."""
    last = len(parts) - 1
    while last and is_weightless(parts[last], environment, cols):
        last -= 1
    return parts[last]


def is_weightless(node: ast.Expression, environment: Environment, cols: int) -> bool:
    """Whether a part is nothing but permutations.

    Raises:
        LimitError: NF712, when it is made of more parts than a network may have operations.
    """
    pending = [(node, environment)]
    for _ in range(environment.limits.operations):
        if not pending:
            return True
        node, environment = pending.pop()
        if isinstance(node, ast.Binary) and node.operator == ">>":
            pending += [(part, environment) for part in chain(node, ">>")]
            continue
        if not isinstance(node, ast.Name | ast.Call):
            return False
        meaning = resolve(node, environment, (cols, cols))
        if isinstance(meaning, Standard) and meaning.name == "permute":
            continue
        if isinstance(meaning, Standard) and meaning.name == "transpose":
            pending.append((meaning.match.given["t"], environment))
            continue
        following = None if _adds(meaning) else _last(meaning, environment)
        if following is None:
            return False
        pending.append(following)
    message = f"there are more than {environment.limits.operations} parts in one topology here"
    raise LimitError("NF712", message, node.span)


def _adds(meaning: Meaning) -> bool:
    return isinstance(meaning, Standard) and meaning.name != "cascade"


def _width(meaning: Standard, environment: Environment) -> int | None:
    expression = meaning.match.given.get("width")
    if expression is None:
        return None
    parameter = next(p for p in FAMILIES[meaning.name].parameters if p.name == "width")
    if environment.is_auto(expression):
        raise no_automatic(parameter, expression.span)
    value = fitted(parameter, environment.value(expression), expression.span)
    assert isinstance(value, int)
    return value


def _last(meaning: Meaning, environment: Environment) -> tuple[ast.Expression, Environment] | None:
    """What the last factor of a part is in; None where nothing in it may ask for a width."""
    if isinstance(meaning, Standard):
        inner = meaning.match.given.get("t") if meaning.name in ("cascade", "parallel") else None
        return None if inner is None else (inner, environment)
    if isinstance(meaning, Masked):
        return None
    if isinstance(meaning, Copies):
        values = loop_values(meaning.each, environment)
        return meaning.each.body, environment.bind(meaning.each.name, values[-1])
    return meaning.expression, meaning.environment
