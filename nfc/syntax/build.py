"""From Lark's tree to the syntax tree, bottom-up and without recursion, so that no depth can break it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from lark import Token, Tree

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.source import Source, Span
from nfc.syntax import ast
from nfc.syntax.build_definitions import (
    BUILDERS,
    DEFINITION_RULES,
    Edition,
    check_edition,
    unreadable,
)
from nfc.syntax.build_expressions import EXPRESSIONS
from nfc.syntax.build_statements import STATEMENTS
from nfc.syntax.context import MOST_ERRORS, Context, MalformedError

_RULES = EXPRESSIONS | STATEMENTS | BUILDERS
_STATEMENT_RULES = ("operation", "init", "assertion", "each_layer")
_BAD = object()
"""Stands for what was reported, until the statement around it becomes a `Bad…` node."""

_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')


def build_file(tree: Tree[Token], source: Source, sink: Sink, limits: Limits) -> ast.File:
    """The syntax tree of a `file` tree; what is malformed goes to `sink` and becomes a `Bad…` node."""
    parts = _Build(Context(source, limits), sink).children(tree)
    check_edition(source, parts, sink)
    return ast.File(
        span=Span(source, 0, len(source.text)),
        source=source,
        definitions=tuple(part for part in parts if not isinstance(part, Edition)),
        comments=comments(source),
    )


def build_expression(tree: Tree[Token], source: Source, sink: Sink, limits: Limits) -> ast.Expression | None:
    """The expression of an `alone` tree, or None when it was reported."""
    (expression,) = _Build(Context(source, limits), sink).children(tree)
    return None if expression is _BAD else expression


def comments(source: Source) -> tuple[ast.Comment, ...]:
    """The comments of a text in their order."""
    return tuple(
        ast.Comment(
            span=Span(source, match.start(1), match.end(1)),
            text=match[1],
            own_line=not source.text[source.text.rfind("\n", 0, match.start()) + 1 : match.start()].strip(),
        )
        for match in _COMMENT.finditer(source.text)
        if match[1]
    )


class _Built(NamedTuple):
    """A node or a token, where it stands, and the levels of its tree."""

    node: Any
    start: int
    end: int
    height: int = 0
    is_bracket: bool = False


_ABSENT = _Built(None, 0, 0)
_BRACKETS = frozenset("LPAR RPAR LSQB RSQB BLOCK_OPEN BLOCK_CLOSE SET_OPEN SET_CLOSE EACH FOR IF".split())
"""Tokens that mark where a node starts or ends, and say no more."""


def _leaf(token: Token | None) -> _Built:
    if token is None:
        return _ABSENT
    return _Built(token, token.start_pos or 0, token.end_pos or 0, 0, token.type in _BRACKETS)


class _Build:
    """One traversal: what each tree became, until its parent takes it."""

    def __init__(self, context: Context, sink: Sink) -> None:
        self._context = context
        self._sink = sink
        self._built: dict[int, _Built] = {}

    def children(self, root: Tree[Token]) -> list[Any]:
        """The nodes of the root's children."""
        for tree in root.iter_subtrees():
            if tree is not root:
                self._built[id(tree)] = self._build(str(tree.data), self._parts(tree))
        return [part.node for part in self._parts(root)]

    def _parts(self, tree: Tree[Token]) -> list[_Built]:
        """What a tree was made of, in its order; a part that is absent has the node None and no place."""
        return [
            self._built.pop(id(child)) if isinstance(child, Tree) else _leaf(child) for child in tree.children
        ]

    def _build(self, rule: str, parts: list[_Built]) -> _Built:
        placed = [part for part in parts if part.node is not None]
        start, end = placed[0].start, placed[-1].end
        span = self._context.at(start, end)
        height = _levels(rule, parts) + max(part.height for part in parts)
        children = [part.node for part in parts if not part.is_bracket]
        try:
            if any(child is _BAD for child in children):
                return _Built(self._bad(rule, span), start, end)
            self._check_height(height, rule, span)
            return _Built(_RULES[rule](self._context, children, span), start, end, height)
        except MalformedError as error:
            if len(self._sink.diagnostics) <= MOST_ERRORS:
                self._sink.add(error.diagnostic)
            return _Built(self._bad(rule, span), start, end)

    def _bad(self, rule: str, span: Span) -> Any:
        if rule in _STATEMENT_RULES:
            return ast.BadStatement(span=span)
        return unreadable(span) if rule in DEFINITION_RULES else _BAD

    def _check_height(self, height: int, rule: str, span: Span) -> None:
        limit = self._context.limits.nesting
        if height <= limit:
            return
        raise MalformedError(
            "NF701",
            f"this {'expression' if rule in EXPRESSIONS else 'block'} is nested deeper than {limit} levels",
            span if rule in EXPRESSIONS else self._context.at(span.start, span.start + 1),
            hints=("each operator of a chain is a level; a part can be named with `let` or `topology`",),
        )


_FLAT = ("name", "path", "number", "string", "boolean", "argument", "each", "for", "if")
_NESTED = ("call", "list", "set", "parenthesised", "comparison", "range", "block", "branches", "each_layer")


def _levels(rule: str, parts: list[_Built]) -> int:
    """The levels that a node adds to its highest child's: one, or as many as a chain has operators."""
    if rule in _NESTED:
        return 1
    if rule in _FLAT or rule not in EXPRESSIONS:
        return 0
    return sum(isinstance(part.node, Token) for part in parts)
