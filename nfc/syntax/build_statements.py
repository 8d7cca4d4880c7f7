"""Statements of networks and checks: from Lark's trees to the syntax tree. One function a grammar rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lark import Token

from nfc.source import Span
from nfc.syntax import ast
from nfc.syntax.build_expressions import unquoted
from nfc.syntax.context import Context, MalformedError
from nfc.syntax.words import BRANCHING, DEFINITIONS


@dataclass(frozen=True)
class Branches:
    """A block of blocks."""

    span: Span
    blocks: tuple[ast.Block, ...]


@dataclass(frozen=True)
class LabelName:
    """`label:`."""

    span: Span
    name: str


def block(_: Context, children: list[Any], span: Span) -> ast.Block:
    return ast.Block(span=span, statements=tuple(children))


def branches(_: Context, children: list[Any], span: Span) -> Branches:
    return Branches(span, tuple(children))


def label(context: Context, children: list[Any], _: Span) -> LabelName:
    return LabelName(context.span(children[0]), str(children[0]))


def keyword(context: Context, children: list[Any], span: Span) -> ast.Keyword:
    key, value = children
    return ast.Keyword(span=span, name=str(key), name_span=context.span(key), value=value)


def operation(context: Context, children: list[Any], span: Span) -> ast.Operation:
    *head, body, via = children
    labelled = None if isinstance(head[0], Token) else head[0]
    word = head[0] if isinstance(head[0], Token) else head[1]
    arguments = [part for part in head if not isinstance(part, Token | LabelName | None)]
    keywords = tuple(part for part in arguments if isinstance(part, ast.Keyword))
    result = ast.Operation(
        span=span,
        label=labelled.name if labelled else None,
        label_span=labelled.span if labelled else None,
        name=str(word),
        name_span=context.span(word),
        positionals=tuple(part for part in arguments if not isinstance(part, ast.Keyword)),
        keywords=keywords,
        blocks=_blocks(body, str(word)),
        via=via,
    )
    _check_not_a_definition(result)
    return result


def _blocks(body: ast.Block | Branches | None, word: str) -> tuple[ast.Block, ...]:
    if body is None:
        return ()
    branching = word in BRANCHING
    if isinstance(body, Branches):
        if not branching:
            hint = f"`{word} {{ … }}` takes one pair of braces; branches belong to `sum` and `concat`"
            raise MalformedError("NF109", f"`{word}` has no branches", body.blocks[0].span, hints=(hint,))
        return body.blocks
    if (
        branching
        and body.statements
        and not any(isinstance(statement, ast.BadStatement) for statement in body.statements)
    ):
        hint = f"each branch stands in braces of its own: `{word} {{ {{ … }} {{ … }} }}`"
        raise MalformedError(
            "NF109",
            f"expected the branches of `{word}`, found a statement",
            body.statements[0].span,
            hints=(hint,),
        )
    return () if branching else (body,)


def _check_not_a_definition(node: ast.Operation) -> None:
    """Raise where a `let`, a `network` … stands in a block: nothing else takes a name or a text after it."""
    has_more = bool(node.positionals or node.keywords or node.blocks)
    if node.label is None and node.name in DEFINITIONS and has_more:
        raise MalformedError(
            "NF106",
            f"`{node.name}` cannot stand inside a block",
            node.name_span,
            hints=("definitions stand in the file itself, outside of every `{ … }`",),
        )


def init(context: Context, children: list[Any], span: Span) -> ast.Init:
    _, scheme = children
    return ast.Init(span=span, scheme=str(scheme), scheme_span=context.span(scheme))


def bad_statement(_: Context, __: list[Any], span: Span) -> ast.BadStatement:
    return ast.BadStatement(span=span)


def assertion(_: Context, children: list[Any], span: Span) -> ast.Assertion:
    condition, reason = children
    return ast.Assertion(span=span, condition=condition, reason=None if reason is None else unquoted(reason))


def each_layer(context: Context, children: list[Any], span: Span) -> ast.EachLayer:
    kind, *statements = children
    return ast.EachLayer(
        span=span, kind=str(kind), kind_span=context.span(kind), statements=tuple(statements)
    )


STATEMENTS: dict[str, Callable[[Context, list[Any], Span], Any]] = {
    "block": block,
    "branches": branches,
    "label": label,
    "keyword": keyword,
    "operation": operation,
    "init": init,
    "bad_statement": bad_statement,
    "assertion": assertion,
    "each_layer": each_layer,
    "bad_assertion": bad_statement,
}
"""The builder of each rule that stands in a block."""
