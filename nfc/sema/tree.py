"""Walks over expressions that take no stack, whatever the depth of the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nfc.syntax import ast

_INSIGNIFICANT = re.compile(r'("(?:[^"\\]|\\.)*")|(?:\s|#[^\n]*)+')

Part = ast.Expression | ast.Argument | ast.Each | ast.For | ast.If


def children(node: Part) -> tuple[Part, ...]:
    """The direct parts of an expression, in the order in which they are written."""
    match node:
        case ast.List():
            return node.items
        case ast.Range():
            return (node.low, node.high)
        case ast.Unary():
            return (node.operand,)
        case ast.Binary():
            return (node.left, node.right)
        case ast.Comparison():
            return node.operands
        case ast.Call():
            return node.arguments
        case ast.Argument():
            return (node.value,)
        case ast.Each():
            return (node.range, node.body)
        case ast.For():
            return (node.range,)
        case ast.If():
            return (node.condition,)
        case ast.Set():
            return (*node.clauses, *node.elements)
        case _:
            return ()


def walk(root: Part) -> Iterator[Part]:
    """Every part of an expression, parents first, in written order."""
    pending: list[Part] = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def chain(node: ast.Expression, operator: str) -> list[ast.Expression]:
    """The operands of a chain `a op b op c` from left to right; the node itself where it is none."""
    parts: list[ast.Expression] = []
    while isinstance(node, ast.Binary) and node.operator == operator:
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def one_line(text: str) -> str:
    """An expression's text on one line: comments dropped, whitespace outside strings collapsed."""
    return _INSIGNIFICANT.sub(lambda match: match[1] or " ", text).strip()
