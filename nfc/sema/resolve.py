"""What a name or a call in a topology stands for."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from nfc.sema.calls import Match, callee, match_call
from nfc.sema.environment import Bound, Closure, Environment
from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.kinds import formals_of
from nfc.sema.predefined import VARIADIC, is_topology_name
from nfc.sema.scope import Entry
from nfc.sema.values import kind_of, show
from nfc.syntax import ast


@dataclass(frozen=True, eq=False)
class Standard:
    """A standard topology or a combinator, its arguments matched."""

    name: str
    match: Match


@dataclass(frozen=True, eq=False)
class Copies:
    """`cascade(name in range: body)`."""

    each: ast.Each


@dataclass(frozen=True, eq=False)
class Written:
    """A topology written elsewhere: the body of a definition, or what a parameter stands for."""

    expression: ast.Expression
    environment: Environment


Meaning = Standard | Copies | Written


def resolve(node: ast.Name | ast.Call, environment: Environment, sizes: tuple[int, int]) -> Meaning:
    """The meaning of a call, or of a bare name, at a place of `sizes` (rows, cols).

    Raises:
        SemanticError: it is no topology, or one that is not supported yet.
        AlreadyReported: the definition or the call has mistakes in its names.
    """
    name, span = callee(node)
    if name in environment.bindings:
        return _parameter(node, environment.bindings[name])
    entry = environment.scope.names.get(name)
    if entry is not None and isinstance(entry.definition, ast.Mask):
        message = f"masks are not supported yet; `{name}` is one"
        raise SemanticError("NF602", message, span)
    if isinstance(node, ast.Call) and name == "cascade" and isinstance(node.arguments[0], ast.Each):
        return Copies(node.arguments[0])
    formals = formals_of(name, environment.scope)
    if formals is None or (entry is not None and entry.broken):
        raise AlreadyReported
    match = match_call(node, formals, variadic=name in VARIADIC)
    if match.errors:
        raise AlreadyReported
    if is_topology_name(name):
        return Standard(name, match)
    assert entry is not None
    return _definition(entry, match, environment, sizes)


def _parameter(node: ast.Name | ast.Call, bound: Bound) -> Written:
    name, span = callee(node)
    if isinstance(bound, Closure):
        return Written(bound.expression, bound.environment)
    found = f"{kind_of(bound)} ({show(bound)})" if isinstance(bound, int | float | str | tuple) else "`auto`"
    raise SemanticError("NF205", f"`{name}` is {found}; a topology is expected here", span)


def _definition(entry: Entry, match: Match, caller: Environment, sizes: tuple[int, int]) -> Written:
    definition = entry.definition
    assert isinstance(definition, ast.Topology)
    empty = MappingProxyType[str, Bound]({})
    environment = Environment(entry.scope, caller.constants, caller.limits, sizes, empty)
    for parameter in definition.parameters:
        given = match.given.get(parameter.name)
        if given is not None:
            environment = environment.bind(parameter.name, caller.argument(given))
        else:
            assert parameter.default is not None
            environment = environment.bind(parameter.name, environment.argument(parameter.default))
    return Written(definition.body, environment)
