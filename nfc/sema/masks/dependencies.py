"""On which of a mask's indices and loop names the parts of its expression depend."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from nfc.sema.tree import children, walk
from nfc.syntax import ast

Dependencies = Mapping[int, frozenset[str]]
"""The variables in each part of an expression, by the identity of its node."""


def dependencies(root: ast.Expression, variables: AbstractSet[str]) -> Dependencies:
    """What each part of an expression depends on. Takes no stack, whatever the depth of the tree."""
    found: dict[int, frozenset[str]] = {}
    for node in reversed(list(walk(root))):
        if isinstance(node, ast.Name):
            found[id(node)] = frozenset({node.name} & variables)
        else:
            found[id(node)] = frozenset().union(*(found[id(child)] for child in children(node)))
    return found
