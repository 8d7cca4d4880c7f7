"""Constant evaluation, against Python where the two languages agree, and by hand where they do not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.sema.errors import EvaluationError
from nfc.sema.evaluate import evaluate
from nfc.sema.values import Interval, Value
from nfc.source import Source
from nfc.syntax import ast, parse_expression
from tests.sema.programs import sound

NAMES: dict[str, Value] = {"n": 7, "x": 0.5, "yes": True, "word": "max", "items": (1, 2, 3)}


def look_up(node: ast.Name | ast.Path) -> Value:
    if node.span.text in NAMES:
        return NAMES[node.span.text]
    raise EvaluationError("NF201", f"unknown name `{node.span.text}`", node.span)


def value_of(text: str, limits: Limits | None = None) -> Value:
    limits = limits or Limits()
    sink = Sink()
    expression = parse_expression(Source("test", text), sink, limits)
    assert expression is not None, sink.diagnostics
    return evaluate(expression, look_up, limits)


def error_of(text: str) -> tuple[str, str]:
    with pytest.raises(EvaluationError) as caught:
        value_of(text)
    return caught.value.diagnostic.code, caught.value.diagnostic.message


# --- against Python ------------------------------------------------------------------------------

INTEGERS = st.integers(0, 40).map(str)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "//", "%", "xor"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(" ".join),
        inner.map("-{}".format),
        inner.map("({})".format),
        st.tuples(inner, st.integers(0, 4)).map(lambda t: f"({t[0]}) ** {t[1]}"),
        st.lists(inner, min_size=2, max_size=3).map(lambda t: f"max({', '.join(t)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda t: f"min({', '.join(t)})"),
        inner.map("abs({})".format),
    )


ARITHMETIC = st.recursive(INTEGERS, _compound, max_leaves=8)
COMPARISONS = st.lists(ARITHMETIC, min_size=2, max_size=3).flatmap(
    lambda parts: st.lists(
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), min_size=len(parts) - 1, max_size=len(parts) - 1
    ).map(
        lambda symbols: " ".join(p for pair in zip(parts, [*symbols, ""], strict=True) for p in pair).strip()
    )
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join), inner.map("not ({})".format)
    ),
    max_leaves=4,
)


@given(st.one_of(ARITHMETIC, CONDITIONS, st.tuples(ARITHMETIC, ARITHMETIC).map(" / ".join)))
def test_agrees_with_python(text: str) -> None:
    try:
        expected = eval(text.replace("xor", "^"))
    except ZeroDivisionError:
        assert error_of(text)[0] == "NF211"
        return
    if isinstance(expected, int) and expected.bit_length() > 4096:
        return
    try:
        found = value_of(text)
    except EvaluationError as error:
        assert error.diagnostic.code == "NF711"  # noqa: PT017
        return
    assert type(found) is type(expected)
    assert found == expected


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2**-1", 0.5),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("7 / 2", 3.5),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7.5 // 2", 3.0),
        ("5 xor 3 + 1", 1),
        ("0.1 + 0.2 == 0.3", True),
        ("0.1 + 0.2 != 0.3", False),
        ("2**2000 == 1.5", False),
        ("1 <= n < 8", True),
        ("1 < 2 > 5", False),
        ("false and 1 / 0 == 1", False),
        ("true or 1 / 0 == 1", True),
        ("3 < 2 < 1 / 0", False),
        ("3 in 1..3", True),
        ("3 in 1..<3", False),
        ("0.9 in 0.5..2", True),
        ("2 in [1, 2]", True),
        ("0.3 in [0.1 + 0.2]", True),
        ("1 < n in 5..9", True),
        ("[1, [2, 3]] == [1, [2, 3.0]]", True),
        ('word == "max"', True),
        ("not yes", False),
        ("0..<4", Interval(0, 4, False)),
        ("[1, 2, ]", (1, 2)),
        ("min(items)", 1),
        ("max(0..<5)", 4),
        ("sum(1..100)", 5050),
        ("sum([0.5, 1])", 1.5),
        ("sum(5..1)", 0),
        ("len(items)", 3),
        ("len(0..<2**100)", 2**100),
        ('len("four")', 4),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("round(2.5)", 2),
        ("sqrt(16)", 4.0),
        ("isqrt(17)", 4),
        ("log2(1024)", 10),
        ("log2(0.25)", -2),
        ("log2(2**3000)", 3000),
        ("log(1000, 10)", 3),
        ("log(3**50, 3)", 50),
        ("log2(10)", math.log2(10)),
        ("log(8, 4)", 1.5),
        ("gcd(12, 18, 8)", 2),
        ("popcount(255)", 8),
    ],
)
def test_values(text: str, expected: Value) -> None:
    found = value_of(text)
    assert type(found) is type(expected)
    assert found == pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else found == expected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("true + 1", "NF205", ["a boolean", "an integer"]),
        ('"a" + 1', "NF205", ["a string", "an integer"]),
        ("[1] * 2", "NF205", ["a list", "an integer"]),
        ("-yes", "NF205", ["a boolean"]),
        ("1 and true", "NF205", ["`and`", "an integer"]),
        ("true and 1", "NF205", ["`and`", "an integer"]),
        ("not 0", "NF205", ["`not`", "an integer"]),
        ('1 == "1"', "NF205", ["an integer", "a string"]),
        ("true == 1", "NF205", ["a boolean", "an integer"]),
        ('"a" < "b"', "NF205", ["a string"]),
        ("1.5 xor 2", "NF205", ["a float"]),
        ("1 in 3", "NF205", ["`in`"]),
        ('"a"..3', "NF205", ["a string"]),
        ("n >> 2", "NF205", ["topologies"]),
        ("n | 2", "NF205", ["topologies"]),
        ("~n", "NF205", ["topologies"]),
        ("n + { 1, 2 }", "NF205", ["set"]),
        ("1 / 0", "NF211", ["zero"]),
        ("1 // 0", "NF211", ["zero"]),
        ("1.0 % 0", "NF211", ["zero"]),
        ("0 ** -1", "NF211", ["zero"]),
        ("1e308 * 10", "NF211", ["float"]),
        ("10.0 ** 400", "NF211", ["float"]),
        ("2**2000 / 3", "NF211", ["float"]),
        ("(-2) ** 0.5", "NF211", ["negative"]),
        ("sqrt(-1)", "NF211", ["`sqrt`"]),
        ("sqrt(2**4000)", "NF211", ["`sqrt`"]),
        ("log2(0)", "NF211", ["`log2`"]),
        ("log(8, 1)", "NF211", ["`log`", "base"]),
        ("min([])", "NF211", ["`min`"]),
        ("popcount(-1)", "NF211", ["`popcount`"]),
        ("isqrt(2.0)", "NF205", ["`isqrt`", "a float"]),
        ("sum(3)", "NF205", ["`sum`"]),
        ("log(8)", "NF206", ["log(x, base)"]),
        ("abs(x=1)", "NF206", ["`abs`"]),
        ("squareroot(2)", "NF201", ["squareroot"]),
        ("2**10**9", "NF711", ["4096 bits"]),
        ("2**4096", "NF711", ["4096 bits"]),
        ("(2**4000) * (2**4000)", "NF711", ["4096 bits"]),
    ],
)
def test_errors(text: str, code: str, words: list[str]) -> None:
    found, message = error_of(text)
    assert found == code
    for word in words:
        assert word in message


def test_integers_up_to_the_limit() -> None:
    assert value_of("2**4095 + (2**4095 - 1)") == 2**4096 - 1


def test_long_chains_take_no_stack() -> None:
    expression = parse_expression(Source("test", "1 + 1"), Sink(), Limits())
    assert isinstance(expression, ast.Binary)
    chain: ast.Expression = expression
    for _ in range(20_000):
        chain = replace(expression, left=chain)
    assert evaluate(chain, look_up, Limits()) == 20_002


def test_deep_trees_are_diagnosed() -> None:
    span = parse_expression(Source("test", "1"), Sink(), Limits()).span  # type: ignore[union-attr]
    node: ast.Expression = ast.Number(span=span, value=1)
    for _ in range(5000):
        node = ast.Unary(span=span, operator="-", operand=node)
    with pytest.raises(EvaluationError) as caught:
        evaluate(node, look_up, Limits())
    assert caught.value.diagnostic.code == "NF701"


def test_the_place_of_an_error() -> None:
    with pytest.raises(EvaluationError) as caught:
        value_of("1 + (n + true)")
    assert caught.value.diagnostic.span is not None
    assert caught.value.diagnostic.span.text == "(n + true)"


@pytest.mark.parametrize(
    ("text", "power"),
    [
        ("log(1000.0, 10)", 3),
        ("log(8, 2.0)", 3),
        ("log(1/4, 4)", -1),
        ("log(0.25, 0.5)", 2),
        ("log(2.25, 1.5)", 2),
        ("log(1.0, 7)", 0),
        ("log2(8.0)", 3),
        ("log(3**2000, 3)", 2000),
    ],
)
def test_logarithms_of_exact_powers_are_integers(text: str, power: int) -> None:
    found = sound(f"nf 1\nlet x = {text}\n").constants["x"]
    assert (found, type(found)) == (power, int)


@pytest.mark.parametrize(
    "text", ["log(0.1, 10)", "log(9, 10)", "log(2**4000, 1 + 2.0**-52)", "log(5e-324, 3)"]
)
def test_logarithms_of_others_are_floats(text: str) -> None:
    assert type(sound(f"nf 1\nlet x = {text}\n").constants["x"]) is float
