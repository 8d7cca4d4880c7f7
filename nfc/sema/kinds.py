"""Topology or value? And what parameters does a name have that can be called?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nfc.sema.calls import Formal, callee
from nfc.sema.predefined import COMBINATORS, family_parameters
from nfc.sema.scope import Scope
from nfc.syntax import ast
from nfc.topologies.family import REQUIRED, Parameter

TOPOLOGY_OPERATORS = frozenset({">>", "|", "&"})
_EITHER = frozenset({"+", "-"})
JOINING = TOPOLOGY_OPERATORS | _EITHER
"""The binary operators that topologies have; values have `+` and `-` too."""


def formals_of(name: str, scope: Scope) -> Sequence[Formal] | None:
    """The parameters of a standard topology, combinator, or user's mask or topology; None for another name."""
    parameters: Sequence[Parameter] | None = COMBINATORS.get(name) or family_parameters(name)
    if parameters is not None:
        return [Formal(p.name, p.kind, p.default is REQUIRED) for p in parameters]
    entry = scope.names.get(name)
    if entry is not None and isinstance(entry.definition, ast.Mask | ast.Topology):
        return [Formal(p.name, "any", p.default is None) for p in entry.definition.parameters]
    return None


def is_topology(node: ast.Expression, scope: Scope, is_local: Callable[[str], bool | None]) -> bool | None:
    """Whether an expression is a topology rather than a value; None where a parameter decides it later.

    `is_local` answers for a parameter's name (None: not yet known) and raises KeyError for others.
    """
    while True:
        match node:
            case ast.Binary(operator=operator) if operator in TOPOLOGY_OPERATORS:
                return True
            case ast.Binary(operator=operator, left=left) if operator in _EITHER:
                node = left
            case ast.Unary(operator=operator):
                return operator == "~"
            case ast.Name() | ast.Call():
                name, _ = callee(node)
                try:
                    return is_local(name)
                except KeyError:
                    return formals_of(name, scope) is not None
            case _:
                return False
