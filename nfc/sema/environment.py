"""What names mean where a topology is elaborated: parameters, loop names, sizes at hand, constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from nfc.limits import Limits
from nfc.sema.constants import Constants
from nfc.sema.errors import EvaluationError
from nfc.sema.evaluate import evaluate
from nfc.sema.kinds import is_topology
from nfc.sema.predefined import SIZES
from nfc.sema.scope import Scope
from nfc.sema.values import Value
from nfc.syntax import ast
from nfc.topologies.family import AUTO


class Auto:
    """The word `auto` as an argument."""


@dataclass(frozen=True, eq=False)
class Closure:
    """A topology given as an argument, with the meaning of its names where it is written."""

    expression: ast.Expression
    environment: Environment


Bound = Value | Auto | Closure


@dataclass(frozen=True, eq=False)
class Environment:
    """The meaning of names in one topology at one place.

    Attributes:
        scope: the names of the file in which it is written.
        bindings: its parameters and loop names.
        sizes: (rows, cols) at hand: of the place of the whole definition, not of a part of it.
    """

    scope: Scope
    constants: Constants
    limits: Limits
    sizes: tuple[int, int]
    bindings: Mapping[str, Bound] = field(default_factory=lambda: MappingProxyType({}))

    def bind(self, name: str, value: Bound) -> Environment:
        bindings = {**self.bindings, name: value}
        return Environment(self.scope, self.constants, self.limits, self.sizes, bindings)

    def value(self, node: ast.Expression) -> Value:
        """Raises EvaluationError and AlreadyReported."""
        return evaluate(node, self._look_up, self.limits)

    def argument(self, node: ast.Expression) -> Bound:
        """An argument of a user's topology: a value, `auto`, or a topology that keeps its surroundings."""
        if isinstance(node, ast.Name):
            if node.name == AUTO:
                return Auto()
            if node.name in self.bindings:
                return self.bindings[node.name]
        if is_topology(node, self.scope, self._is_local_topology):
            return Closure(node, self)
        return self.value(node)

    def is_auto(self, node: ast.Expression) -> bool:
        """Whether an argument is the word `auto`, perhaps through a parameter."""
        if not isinstance(node, ast.Name):
            return False
        return node.name == AUTO or isinstance(self.bindings.get(node.name), Auto)

    def _is_local_topology(self, name: str) -> bool:
        return isinstance(self.bindings[name], Closure)

    def _look_up(self, node: ast.Name | ast.Path) -> Value:
        if isinstance(node, ast.Path):
            raise EvaluationError(
                "NF205", f"`{node.span.text}` is a path; a value is expected here", node.span
            )
        if node.name in self.bindings:
            bound = self.bindings[node.name]
            if isinstance(bound, Closure | Auto):
                what = "`auto`" if isinstance(bound, Auto) else "a topology"
                raise EvaluationError(
                    "NF205", f"`{node.name}` is {what}; a value is expected here", node.span
                )
            return bound
        if node.name in SIZES:
            return self.sizes[SIZES.index(node.name)]
        return self.constants.look_up(node, self.scope)
