"""Expressions: from Lark's trees to the syntax tree. One function a grammar rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lark import Token

from nfc.source import Span
from nfc.syntax import ast
from nfc.syntax.context import Context, MalformedError
from nfc.syntax.numbers import TooLargeError
from nfc.syntax.numbers import number as number_value


def name(_: Context, children: list[Any], span: Span) -> ast.Name:
    return ast.Name(span=span, name=str(children[0]))


def path(_: Context, children: list[Any], span: Span) -> ast.Path:
    return ast.Path(span=span, parts=tuple(str(children[0]).split(".")))


def number(context: Context, children: list[Any], span: Span) -> ast.Number:
    try:
        return ast.Number(span=span, value=number_value(str(children[0]), context.limits))
    except TooLargeError as error:
        raise MalformedError("NF711", f"this number is too large: {error}", span) from None


def string(_: Context, children: list[Any], span: Span) -> ast.String:
    return ast.String(span=span, value=unquoted(children[0]))


def unquoted(token: Token) -> str:
    return str(token[1:-1])


def boolean(_: Context, children: list[Any], span: Span) -> ast.Boolean:
    return ast.Boolean(span=span, value=children[0].type == "TRUE")


def list_(_: Context, children: list[Any], span: Span) -> ast.List:
    return ast.List(span=span, items=tuple(children))


def parenthesised(_: Context, children: list[Any], span: Span) -> ast.Expression:
    """The expression itself; its span takes the parentheses in, so that spans around it do."""
    inner: ast.Expression = children[0]
    return replace(inner, span=span)


def range_(_: Context, children: list[Any], span: Span) -> ast.Range:
    low, operator, high = children
    return ast.Range(span=span, low=low, high=high, inclusive=operator == "..")


def comparison(_: Context, children: list[Any], span: Span) -> ast.Comparison:
    return ast.Comparison(
        span=span, operands=tuple(children[::2]), operators=tuple(str(token) for token in children[1::2])
    )


def binary(context: Context, children: list[Any], _: Span) -> ast.Expression:
    """A flat chain of one level's operators, folded from the left."""
    result: ast.Expression = children[0]
    for operator, right in zip(children[1::2], children[2::2], strict=True):
        result = _binary(context, result, operator, right)
    return result


def _binary(context: Context, left: ast.Expression, operator: Token, right: ast.Expression) -> ast.Expression:
    return ast.Binary(
        span=left.span.to(right.span),
        operator=str(operator),
        left=left,
        right=right,
        operator_span=context.span(operator),
    )


def unary(context: Context, children: list[Any], _: Span) -> ast.Expression:
    result: ast.Expression = children[-1]
    for sign in reversed(children[:-1]):
        result = _unary(context, sign, result)
    return result


def _unary(context: Context, sign: Token, operand: ast.Expression) -> ast.Expression:
    return ast.Unary(span=context.span(sign).to(operand.span), operator=str(sign), operand=operand)


def power(context: Context, children: list[Any], _: Span) -> ast.Expression:
    """`a ** - b ** c`: folded from the right, signs in between taken in."""
    result: ast.Expression = children[-1]
    for index in range(len(children) - 2, -1, -1):
        child = children[index]
        if not isinstance(child, Token):
            continue
        if child.type == "POWER":
            result = _binary(context, children[index - 1], child, result)
        else:
            result = _unary(context, child, result)
    return result


def argument(context: Context, children: list[Any], span: Span) -> ast.Argument:
    key, value = children
    return ast.Argument(span=span, name=str(key), name_span=context.span(key), value=value)


def each(_: Context, children: list[Any], span: Span) -> ast.Each:
    match children:
        case [ast.Comparison(operands=(ast.Name() as variable, values), operators=("in",)), body]:
            return ast.Each(span=span, name=variable.name, name_span=variable.span, range=values, body=body)
    head: ast.Expression = children[0]
    raise MalformedError(
        "NF109",
        f"expected `name in range` before `:`, found `{head.span.text}`",
        head.span,
        hints=("an argument for each value of a range is written `s in 0..<4: topology`",),
    )


def call(context: Context, children: list[Any], span: Span) -> ast.Call:
    function, *arguments = children
    return ast.Call(
        span=span,
        function=str(function),
        function_span=context.span(function),
        arguments=tuple(_argument(each) for each in arguments),
    )


def _argument(node: ast.Argument | ast.Each | ast.Expression) -> ast.Argument | ast.Each:
    if isinstance(node, ast.Argument | ast.Each):
        return node
    return ast.Argument(span=node.span, name=None, name_span=None, value=node)


def set_(_: Context, children: list[Any], span: Span) -> ast.Set:
    clauses = tuple(child for child in children if isinstance(child, ast.For | ast.If))
    return ast.Set(span=span, elements=tuple(children[: len(children) - len(clauses)]), clauses=clauses)


def for_(context: Context, children: list[Any], span: Span) -> ast.For:
    variable, _, values = children
    return ast.For(span=span, name=str(variable), name_span=context.span(variable), range=values)


def if_(_: Context, children: list[Any], span: Span) -> ast.If:
    return ast.If(span=span, condition=children[0])


EXPRESSIONS: dict[str, Callable[[Context, list[Any], Span], Any]] = {
    "expression": binary,
    "disjunction": binary,
    "conjunction": binary,
    "negation": unary,
    "comparison": comparison,
    "range": range_,
    "exclusive": binary,
    "sum": binary,
    "union": binary,
    "intersection": binary,
    "product": binary,
    "unary": unary,
    "power": power,
    "name": name,
    "path": path,
    "number": number,
    "string": string,
    "boolean": boolean,
    "list": list_,
    "parenthesised": parenthesised,
    "call": call,
    "argument": argument,
    "each": each,
    "set": set_,
    "for": for_,
    "if": if_,
}
"""The builder of each rule of the expression ladder."""
