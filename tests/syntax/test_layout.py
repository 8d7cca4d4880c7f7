"""Where statements end: newlines, `;`, braces, comments."""

from __future__ import annotations

import pytest

from nfc.syntax import ast
from tests.syntax.trees import assertions, codes, parsed, shape, sound, statements

OPERATORS = [
    "or",
    "and",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "xor",
    "+",
    "-",
    "|",
    "&",
    "*",
    "/",
    "//",
    "%",
    "**",
    ">>",
]


@pytest.mark.parametrize("operator", [*OPERATORS, "..", "..<"])
def test_a_line_goes_on_after_a_binary_operator(operator: str) -> None:
    broken = sound(f"let a = 1 {operator}\n\n  # why\n  2").definitions
    assert shape(broken) == shape(sound(f"let a = 1 {operator} 2").definitions)


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("let a =\n1", "let a = 1"),
        ("let a = (\n1\n+ 2\n)", "let a = (1 + 2)"),
        ("let a = [\n1\n,\n2,\n]", "let a = [1, 2]"),
        ("topology t = f(\nx,\ny\n=\n3\n)", "topology t = f(x, y=3)"),
        ("topology t(\nr\n=\n2\n) = dense", "topology t(r=2) = dense"),
        ("mask m[\no\n,\ni\n] =\no == i", "mask m[o, i] = o == i"),
        (
            "mask m[o] =\n{\no\n,\no + 1\n} +\n{\no\nfor b in 0..<2\nif b > 0\n}",
            "mask m[o] = {o, o + 1} + {o for b in 0..<2 if b > 0}",
        ),
        ("network n { a:\nlinear 5 via\ndense }", "network n { a: linear 5 via dense }"),
        ("network n { linear 5 bias=\ntrue }", "network n { linear 5 bias=true }"),
    ],
)
def test_newlines_that_end_nothing(broken: str, whole: str) -> None:
    assert shape(sound(broken).definitions) == shape(sound(whole).definitions)


@pytest.mark.parametrize(
    "body",
    [
        "input 4;linear 2;relu",
        "input 4\nlinear 2\nrelu",
        "\n\n;;input 4;\n;linear 2;\n\nrelu;;\n",
        "input 4 # c\nlinear 2# ;\nrelu",
    ],
)
def test_separators(body: str) -> None:
    assert [each.name for each in statements(body)] == ["input", "linear", "relu"]


def test_a_newline_ends_a_statement() -> None:
    assert [each.name for each in statements("linear\nwidth")] == ["linear", "width"]
    assert codes("nf 1\nnetwork t { linear 5\n[5] }\n") == ["NF100"]


@pytest.mark.parametrize("between", ["\n", ";", "\n\n", " ; "])
def test_after_a_block(between: str) -> None:
    assert [each.name for each in statements(f"repeat 2 {{ relu }}{between}relu")] == ["repeat", "relu"]
    assert codes(f"nf 1\nnetwork a {{ }}{between}network b {{ }}{between}") == []


def test_after_a_block_on_the_same_line() -> None:
    assert codes("nf 1\nnetwork a { } network b { }\n") == ["NF110"]
    assert codes("nf 1\nnetwork a { repeat 2 { relu } relu }\n") == ["NF110"]
    assert codes("nf 1\ncheck a { each linear { connected } connected }\n") == ["NF110"]


@pytest.mark.parametrize("between", ["", " ", "\n", ";", "\n\n;"])
def test_branches_need_nothing_between(between: str) -> None:
    (operation,) = statements(f"sum {{{between}{{ relu }}{between}{{ tanh }}{between}}}")
    assert [block.statements[0].name for block in operation.blocks] == ["relu", "tanh"]


@pytest.mark.parametrize(
    "text",
    [
        "network a {}",
        "network a { }",
        "network a {\n}",
        "network a {;\n;}",
        "check a {}",
        "check a { each linear {} }",
    ],
)
def test_empty_blocks(text: str) -> None:
    sound(text)


def test_a_block_on_one_line() -> None:
    each, density = assertions("each linear { connected; fan_out.max <= 64 }; density == 1")
    assert isinstance(each, ast.EachLayer)
    assert [inner.text for inner in each.statements] == ["connected", "fan_out.max <= 64"]
    assert density.text == "density == 1"


def test_sets_follow_equals_and_plus() -> None:
    (mask,) = sound("mask m[o] = { o } + { o + 1 for b in 0..<2 } + {}").definitions
    assert isinstance(mask.body, ast.Binary)
    assert [type(mask.body.right), type(mask.body.left.left)] == [ast.Set, ast.Set]
    assert codes("nf 1\nmask m[o] = ({ o })\n") == ["NF109"]


@pytest.mark.parametrize("end", ["", "\n", "  ", "\n\n\n", "# end", "\t"])
def test_the_end_of_a_file(end: str) -> None:
    sound(f"let a = 1{end}")


def test_tabs_and_form_feeds_are_spaces() -> None:
    assert shape(statements("\tlinear\t5\tbias=true\f")) == shape(statements(" linear 5 bias=true "))


def test_carriage_returns_are_spaces() -> None:
    assert parsed("nf 1\r\nlet a = 1\r\n")[1] == []


def test_comments_are_kept_with_their_places() -> None:
    text = 'nf 1 # first\n  # own line\nlet a = 1# tight\nuse "a#b.nf"   # after a string\n#'
    file, diagnostics = parsed(text)
    assert diagnostics == []
    found = [(comment.text, comment.own_line, comment.span.line) for comment in file.comments]
    assert found == [
        ("# first", False, 1),
        ("# own line", True, 2),
        ("# tight", False, 3),
        ("# after a string", False, 4),
        ("#", True, 5),
    ]
    assert all(comment.span.text == comment.text for comment in file.comments)
