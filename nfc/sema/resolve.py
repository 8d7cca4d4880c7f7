"""What a name or a call in a topology stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from nfc.sema.calls import Match, callee, match_call
from nfc.sema.environment import Auto, Bound, Closure, Environment
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


@dataclass(frozen=True, eq=False)
class Masked:
    """A user's mask, its arguments matched, at a place of `sizes` (rows, cols)."""

    entry: Entry
    match: Match
    caller: Environment
    sizes: tuple[int, int]

    @property
    def definition(self) -> ast.Mask:
        assert isinstance(self.entry.definition, ast.Mask)
        return self.entry.definition

    @cached_property
    def environment(self) -> Environment:
        """The values of its parameters and its sizes.

        Raises:
            SemanticError: an argument is no value.
        """
        environment = _bound(self.definition.parameters, self.entry, self.match, self.caller, self.sizes)
        for parameter in self.definition.parameters:
            bound = environment.bindings[parameter.name]
            if isinstance(bound, Closure | Auto):
                what = "`auto`" if isinstance(bound, Auto) else "a topology"
                message = f"`{parameter.name}` of the mask `{self.entry.name}` is a value; found {what}"
                given = self.match.given.get(parameter.name) or parameter.default
                raise SemanticError("NF205", message, None if given is None else given.span)
        return environment


Meaning = Standard | Copies | Written | Masked


def resolve(node: ast.Name | ast.Call, environment: Environment, sizes: tuple[int, int]) -> Meaning:
    """The meaning of a call, or of a bare name, at a place of `sizes` (rows, cols).

    Raises:
        SemanticError: it is no topology, or an argument has no value.
        AlreadyReported: the definition or the call has mistakes in its names.
    """
    name, _ = callee(node)
    if name in environment.bindings:
        return _parameter(node, environment.bindings[name])
    entry = environment.scope.names.get(name)
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
    if isinstance(entry.definition, ast.Mask):
        return Masked(entry, match, environment, sizes)
    assert isinstance(entry.definition, ast.Topology)
    bound = _bound(entry.definition.parameters, entry, match, environment, sizes)
    return Written(entry.definition.body, bound)


def _parameter(node: ast.Name | ast.Call, bound: Bound) -> Written:
    name, span = callee(node)
    if isinstance(bound, Closure):
        return Written(bound.expression, bound.environment)
    found = f"{kind_of(bound)} ({show(bound)})" if isinstance(bound, int | float | str | tuple) else "`auto`"
    raise SemanticError("NF205", f"`{name}` is {found}; a topology is expected here", span)


def _bound(
    parameters: Sequence[ast.Parameter],
    entry: Entry,
    match: Match,
    caller: Environment,
    sizes: tuple[int, int],
) -> Environment:
    """The meaning of names in a definition that is called."""
    empty = MappingProxyType[str, Bound]({})
    environment = Environment(entry.scope, caller.constants, caller.limits, sizes, empty)
    for parameter in parameters:
        given = match.given.get(parameter.name)
        if given is not None:
            environment = environment.bind(parameter.name, caller.argument(given))
        else:
            assert parameter.default is not None
            environment = environment.bind(parameter.name, environment.argument(parameter.default))
    return environment
