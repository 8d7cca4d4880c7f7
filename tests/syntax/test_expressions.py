"""The ladder of operators: against the same expression in parentheses, and against Python's."""

from __future__ import annotations

import ast as python
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.syntax import ast
from tests.syntax.trees import codes, expression, nodes, shape

LADDER = [
    [">>"],
    ["or"],
    ["and"],
    ["not"],
    ["==", "<"],
    ["..", "..<"],
    ["xor"],
    ["+", "-"],
    ["|"],
    ["&"],
    ["*", "/", "//", "%"],
    ["neg", "~"],
    ["**"],
]
"""Loosest first."""
LEVELS = [(level, operator) for level, operators in enumerate(LADDER) for operator in operators]
BINARY = [(level, operator) for level, operator in LEVELS if operator not in ("not", "neg", "~")]


@pytest.mark.parametrize(("outer_level", "outer"), BINARY)
@pytest.mark.parametrize(("inner_level", "inner"), BINARY)
def test_the_tighter_operator_binds_first(outer_level: int, outer: str, inner_level: int, inner: str) -> None:
    if outer_level >= inner_level:
        return
    assert shape(expression(f"a {outer} b {inner} c")) == shape(expression(f"a {outer} (b {inner} c)"))
    assert shape(expression(f"a {inner} b {outer} c")) == shape(expression(f"(a {inner} b) {outer} c"))


LEFT = [">>", "or", "and", "xor", "+", "-", "|", "&", "*", "/", "//", "%"]


@pytest.mark.parametrize("operator", LEFT)
def test_binary_operators_associate_left(operator: str) -> None:
    assert shape(expression(f"a {operator} b {operator} c")) == shape(
        expression(f"(a {operator} b) {operator} c")
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a ** b ** c", "a ** (b ** c)"),
        ("-a ** b", "-(a ** b)"),
        ("2 ** -1", "2 ** (-1)"),
        ("2 ** -a ** b", "2 ** (-(a ** b))"),
        ("2 ** -~a ** b * c", "(2 ** (-(~(a ** b)))) * c"),
        ("-a * b", "(-a) * b"),
        ("~a & b", "(~a) & b"),
        ("- - a", "-(-a)"),
        ("not not a", "not (not a)"),
        ("not a == b", "not (a == b)"),
        ("not a and b", "(not a) and b"),
        ("a in 0..b", "a in (0..b)"),
        ("a xor 2**b - 1", "a xor ((2**b) - 1)"),
        ("a >> b | c - d & ~e", "a >> ((b | c) - (d & (~e)))"),
        ("(o - i) % cols <= k", "((o - i) % cols) <= k"),
    ],
)
def test_the_meaning_of(text: str, meant: str) -> None:
    assert shape(expression(text)) == shape(expression(meant))


def test_comparisons_chain_and_in_ends_the_chain() -> None:
    node = expression("1 <= x < n != m in 0..5")
    assert isinstance(node, ast.Comparison)
    assert node.operators == ("<=", "<", "!=", "in")
    assert len(node.operands) == 5
    assert codes("nf 1\nlet a = x in 0..5 < 3\n") == ["NF109"]


def test_calls_and_their_arguments() -> None:
    node = expression("f(1, g(), x=2, s in 0..<k: h(s),)")
    assert isinstance(node, ast.Call)
    first, second, third, fourth = node.arguments
    assert (first.name, first.value.value) == (None, 1)
    assert (second.value.function, second.value.arguments) == ("g", ())
    assert (third.name, third.name_span.text, third.value.value) == ("x", "x", 2)
    assert isinstance(fourth, ast.Each)
    assert (fourth.name, fourth.range.inclusive, fourth.body.function) == ("s", False, "h")
    assert fourth.span.text == "s in 0..<k: h(s)"


@pytest.mark.parametrize("text", ["f(s: t)", "f(s == 1: t)", "f(1 in 0..2: t)", "f(a < s in 0..2: t)"])
def test_an_argument_for_each_value_needs_a_name(text: str) -> None:
    assert codes(f"nf 1\ntopology t = {text}\n") == ["NF109"]


def test_lists_strings_booleans() -> None:
    node = expression('[1, "a b\\c #", true, [], false,]')
    assert [getattr(item, "value", None) for item in node.items] == [1, "a b\\c #", True, None, False]


def test_spans_cover_parentheses_and_brackets() -> None:
    text = "(a + b) * f((c)) >> [1, 2] ** (d)"
    node = expression(text)
    assert node.span.text == text
    assert node.left.span.text == "(a + b) * f((c))"
    assert node.left.left.span.text == "(a + b)"
    assert node.operator_span.text == ">>"
    assert node.right.span.text == "[1, 2] ** (d)"


# --- against Python ---

SHARED = st.recursive(
    st.sampled_from(["a", "b", "3", "True"]),
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "and", "or", "==", "<"]), inner
        ).map(" ".join),
        st.tuples(st.sampled_from(["-", "~", "not"]), inner).map(" ".join),
        inner.map("({})".format),
        st.tuples(inner, inner).map(lambda pair: f"f({pair[0]}, x={pair[1]})"),
    ),
    max_leaves=12,
)
SIGNS = {
    python.Add: "+", python.Sub: "-", python.Mult: "*", python.Div: "/", python.FloorDiv: "//", python.Mod: "%",
    python.Pow: "**", python.And: "and", python.Or: "or", python.Eq: "==", python.Lt: "<",
    python.USub: "-", python.Invert: "~", python.Not: "not",
}  # fmt: skip


def from_python(node: python.expr) -> Any:
    match node:
        case python.Name(id=name):
            return name
        case python.Constant(value=value):
            return value
        case python.BinOp(left=left, op=operator, right=right):
            return (SIGNS[type(operator)], from_python(left), from_python(right))
        case python.UnaryOp(op=operator, operand=operand):
            return (SIGNS[type(operator)], from_python(operand))
        case python.BoolOp(op=operator, values=[first, *others]):
            result = from_python(first)
            for other in others:
                result = (SIGNS[type(operator)], result, from_python(other))
            return result
        case python.Compare(left=left, ops=operators, comparators=others):
            return ("compare", *(SIGNS[type(each)] for each in operators), *map(from_python, [left, *others]))
        case python.Call(args=arguments, keywords=keywords):
            return (
                "f",
                *map(from_python, arguments),
                *((each.arg, from_python(each.value)) for each in keywords),
            )
    raise AssertionError(node)


def from_nf(node: ast.Expression) -> Any:
    match node:
        case ast.Name(name=name):
            return name
        case ast.Number(value=value) | ast.Boolean(value=value):
            return value
        case ast.Binary(operator=operator, left=left, right=right):
            return (operator, from_nf(left), from_nf(right))
        case ast.Unary(operator=operator, operand=operand):
            return (operator, from_nf(operand))
        case ast.Comparison(operands=operands, operators=operators):
            return ("compare", *operators, *map(from_nf, operands))
        case ast.Call(arguments=arguments):
            values = [(each.name, from_nf(each.value)) for each in arguments]
            return ("f", *((name, value) if name else value for name, value in values))
    raise AssertionError(node)


@given(SHARED)
def test_shared_operators_bind_as_in_python(text: str) -> None:
    try:
        tree = python.parse(text, mode="eval").body
    except SyntaxError:
        assert codes(f"nf 1\nlet a = {text.replace('True', 'true')}\n") != []
        return
    assert from_nf(expression(text.replace("True", "true"))) == from_python(tree)


@given(SHARED)
def test_every_span_is_the_text_of_its_node(text: str) -> None:
    """A node's text, parsed alone, is that node."""
    text = text.replace("True", "true")
    if codes(f"nf 1\nlet a = {text}\n"):
        return
    for node in nodes(expression(text)):
        if not isinstance(node, ast.Argument):
            assert shape(expression(node.span.text)) == shape(node)
