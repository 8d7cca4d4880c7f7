"""Numbers as written and the value that they have."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.limits import Limits
from nfc.syntax import ast
from tests.syntax.trees import codes, expression, parsed, shape

SCALE = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


def value(text: str) -> int | float:
    node = expression(text)
    assert isinstance(node, ast.Number)
    return node.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("007", 7),
        ("1_000_000", 1_000_000),
        ("2.5", 2.5),
        (".01", 0.01),
        ("1_0.2_5", 10.25),
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        ("2k", 2000),
        ("1.5k", 1500),
        ("310k", 310_000),
        ("3M", 3_000_000),
        ("2G", 2_000_000_000),
        (".5G", 500_000_000),
        ("1e3k", 1_000_000),
        ("0.0015k", 1.5),
        ("5%", 0.05),
        ("100%", 1.0),
        ("0.1%", 0.001),
        ("1k%", 10.0),
        ("0.0k", 0),
    ],
)
def test_values(text: str, expected: float) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@given(st.integers(0, 10**40), st.sampled_from(list(SCALE)))
def test_integers_are_exact(number: int, suffix: str) -> None:
    assert value(f"{number}{suffix}") == number * SCALE[suffix]
    assert value(f"{number:_}{suffix}") == number * SCALE[suffix]


@given(st.decimals(0, 10**9, places=5, allow_nan=False), st.sampled_from(list(SCALE)), st.booleans())
def test_others_are_the_nearest_float(number: Decimal, suffix: str, percent: bool) -> None:
    exact = Fraction(number) * SCALE[suffix] / (100 if percent else 1)
    assert value(f"{number:f}{suffix}{'%' * percent}") == float(exact)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("n %5", ("n", 5)),
        ("5%n", (5, "n")),
        ("5%3", (5, 3)),
        ("5%(n)", (5, "n")),
        ("5 % n", (5, "n")),
        ("5%_n", (5, "_n")),
        ("5% % n", (0.05, "n")),
        ("5%%n", (0.05, "n")),
        ("n%5%", ("n", 0.05)),
    ],
)
def test_percent_or_remainder(text: str, parts: tuple[object, object]) -> None:
    node = expression(text)
    assert isinstance(node, ast.Binary)
    assert node.operator == "%"
    assert (leaf(node.left), leaf(node.right)) == parts


def leaf(node: ast.Expression) -> object:
    return node.name if isinstance(node, ast.Name) else node.value


@pytest.mark.parametrize("after", ["", " ", ", 1", "..6", " + 1", "\n", "# c\n", " and a", ">> a"])
def test_percent_before_what_is_no_operand(after: str) -> None:
    file, diagnostics = parsed(f"nf 1\nlet a = [5%{after}]\n")
    assert diagnostics == []
    assert "0.05" in str(shape(file.definitions))


@pytest.mark.parametrize(
    "text", ["0..2", "0..<2", "0 .. 2", "n..m", "a.b..c.d", "1.5..2.5", "0.. .5", "5%..10%"]
)
def test_ranges_are_no_floats(text: str) -> None:
    assert isinstance(expression(text), ast.Range)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sum1.1.linear1", ("sum1", "1", "linear1")),
        ("head.density", ("head", "density")),
        ("repeat1.0.linear1.fan_in.max", ("repeat1", "0", "linear1", "fan_in", "max")),
        ("xor_.1", ("xor_", "1")),
    ],
)
def test_paths(text: str, parts: tuple[str, ...]) -> None:
    node = expression(text)
    assert isinstance(node, ast.Path)
    assert node.parts == parts


@pytest.mark.parametrize(
    "text",
    ["5x", "0x10", "1__0", "1_", "5.", "1.2.3", "1e", "5m", "5kk", "1.x", "2.5.6", "5%5x", "0...5", "1e1.5"],
)
def test_what_is_no_number(text: str) -> None:
    assert codes(f"nf 1\nlet a = {text}\nlet b = 2\n") in (["NF105"], ["NF108"])


def test_the_limit_of_integers() -> None:
    bits = Limits().integer_bits
    assert value(str(2**bits - 1)) == 2**bits - 1
    for text in (str(2**bits), "9" * 100_000, "1e9999k", "1" + "0" * 1300 + "k"):
        assert codes(f"nf 1\nlet a = {text}\n") == ["NF711"]


def test_the_limit_of_integers_can_be_raised() -> None:
    digits = "7" * 20_000
    file, diagnostics = parsed(f"nf 1\nlet a = {digits}\n", Limits(integer_bits=100_000))
    assert diagnostics == []
    (constant,) = file.definitions
    assert constant.value.value == 7 * (10**20_000 - 1) // 9


@pytest.mark.parametrize("text", ["1e999999", "1e99999999999999999999", "1e309", "1e311%"])
def test_the_limit_of_floats(text: str) -> None:
    assert codes(f"nf 1\nlet a = {text}\n") == ["NF711"]


def test_a_number_too_small_is_zero() -> None:
    assert value("1e-999999999999999") == 0.0
    assert value("." + "0" * 100_000 + "1") == 0.0
