"""The canonical layout: nothing but layout changes, it is laid out for good, and it looks as it should."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

import nfc.formatting.format
from nfc.diagnostics import NfcError
from nfc.formatting import LINE_LENGTH, FormattingError, format_source
from nfc.source import Source
from nfc.syntax import ast
from tests.documents import ROOT
from tests.formatting.texts import FILES, PROGRAMS, commented, sound_texts
from tests.programs import programs
from tests.syntax.trees import nodes, parsed, shape

LENGTHS = st.sampled_from([1, 20, 60, LINE_LENGTH])


def laid_out(text: str, line_length: int = LINE_LENGTH) -> str:
    return format_source(Source("t.nf", text), line_length=line_length)


def assert_only_layout_changes(text: str, line_length: int) -> str:
    """Independent of the proof that every run makes for itself."""
    result = laid_out(text, line_length)
    before, after = parsed(text)[0], parsed(result)[0]
    assert shape(before.definitions) == shape(after.definitions)
    assert [comment.text.rstrip() for comment in before.comments] == [each.text for each in after.comments]
    assert laid_out(result, line_length) == result
    assert result == "" or result.endswith("\n")
    assert not re.search(r"[ \t]\n|\n\n\n|^\n", result)
    return result


@pytest.mark.parametrize("line_length", [LINE_LENGTH, 1])
@pytest.mark.parametrize("name", sound_texts())
def test_only_layout_changes(name: str, line_length: int) -> None:
    assert_only_layout_changes(sound_texts()[name], line_length)


@given(
    st.sampled_from(sorted(sound_texts())), st.integers(0, 2**32), st.sampled_from([0.05, 0.3, 1]), LENGTHS
)
def test_comments_stay_in_any_place_that_takes_one(
    name: str, seed: int, share: float, line_length: int
) -> None:
    text = commented(sound_texts()[name], seed, share)
    assert shape(parsed(text)[0].definitions) == shape(parsed(sound_texts()[name])[0].definitions)
    assert_only_layout_changes(text, line_length)


@given(st.sampled_from(sorted(sound_texts())), st.integers(0, 2**32), st.sampled_from([0.05, 0.3]), LENGTHS)
def test_what_comments_ignore_stays_or_is_reported(
    name: str, seed: int, share: float, line_length: int
) -> None:
    text = commented(sound_texts()[name], seed, share).replace("a remark", "ignore[NF501]")
    try:
        result, codes = laid_out(text, line_length), set()
    except NfcError as error:
        result, codes = text, {each.code for each in error.diagnostics}
    assert codes <= {"NF114"}
    assert ignored(text) == ignored(result)


def ignored(text: str) -> list[list[str]]:
    """The assertions and operations that start on the line of each comment, without what stands before it."""
    lines = [text.count("\n", 0, match.start()) + 1 for match in re.finditer(r"# nfc: ignore\[", text)]
    starting = [each for each in nodes(parsed(text)[0]) if isinstance(each, ast.Assertion | ast.Operation)]
    return [[str(shape(each)) for each in starting if each.span.line == line] for line in lines]


@settings(max_examples=40)
@given(programs(), LENGTHS)
def test_only_layout_changes_in_random_networks(text: str, line_length: int) -> None:
    assert_only_layout_changes(text, line_length)


@given(PROGRAMS, LENGTHS)
def test_only_layout_changes_in_random_syntax(text: str, line_length: int) -> None:
    assume(not parsed(text)[1])
    assert_only_layout_changes(text, line_length)


@settings(max_examples=40)
@given(st.sampled_from(sorted(sound_texts())))
def test_the_layout_does_not_depend_on_spaces(name: str) -> None:
    """Spaces around tokens are no part of what is laid out, and neither are the lines inside of brackets."""
    text = laid_out(sound_texts()[name])
    wide = re.sub(r'("[^"\n]*"|#[^\n]*)|(?<=\S) (?=\S)', lambda match: match[1] or "   ", text)
    assert laid_out(wide) == text


def test_a_sample(snapshot: SnapshotAssertion) -> None:
    text = (ROOT / "tests" / "formatting" / "before.nf.txt").read_text("utf-8")
    assert laid_out(text) == snapshot(name="110 characters")
    assert laid_out(text, 40) == snapshot(name="40 characters")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("\n\n", ""),
        ("\n\n# only\n\n\n\n# comments", "\n# only\n\n# comments\n"),
        ("let a=1_000;let b=310k", "let a = 1_000\nlet b = 310k\n"),
        ("let a = - 2 ** - b  +(1)", "let a = -2**-b + (1)\n"),
        ("let a = not  b in 0 ..<  c", "let a = not b in 0..<c\n"),
        ("let a = 0.. .5", "let a = 0.. .5\n"),
        ("let a = 5 %3 + 5%", "let a = 5 % 3 + 5%\n"),
        ("let a = [1,2,]", "let a = [1, 2]\n"),
        ("mask m [o , i] allow_empty=o==i", "mask m[o, i] allow_empty = o == i\n"),
        ("mask m[o]={o}+{}", "mask m[o] = { o } + {}\n"),
        ("network a{input 4;linear   3}", "network a { input 4; linear 3 }\n"),
        ("network a {\n}", "network a {}\n"),
        ("network a {\n\n\n# empty\n\n\n}", "\nnetwork a {\n    # empty\n}\n"),
        ("network a {\ninput 4 }", "\nnetwork a {\n    input 4\n}\n"),
        ("let a = 1\nnetwork a {\ninput 4 }", "let a = 1\n\nnetwork a {\n    input 4\n}\n"),
        ("let a = # why\n 4", "let a =  # why\n    4\n"),
        ("let a = b(c # why\n, d)", "let a = b(\n    c,  # why\n    d,\n)\n"),
        ("let a = (\n\n# why\n b)", "let a = (\n    # why\n    b\n)\n"),
    ],
)
def test_the_layout_of(before: str, after: str) -> None:
    assert laid_out(f"nf 1\n{before}") == f"nf 1\n{after}"


def test_the_text_begins_with_its_first_line() -> None:
    assert laid_out("\n\n  # first\n\n\nnf   1") == "# first\n\nnf 1\n"


def test_a_line_is_as_long_as_it_may_be() -> None:
    definition = "let a = bbbb + cccc"
    text = f"nf 1\n{definition}\n"
    assert laid_out(text, len(definition)) == text
    assert laid_out(text, len(definition) - 1) == "nf 1\nlet a =\n    bbbb + cccc\n"
    assert laid_out(text, 14) == "nf 1\nlet a =\n    bbbb +\n    cccc\n"


@pytest.mark.parametrize(
    "text",
    [
        "check n { each linear { fan_in.max <= 3; connected } }  # nfc: ignore[NF501]",
        "topology t = butterfly(radix=4) >> monarch >> dense  # nfc: ignore[NF421]",
        "check n {\n    edges + 2 * params <= 3 * depth  # nfc: ignore[NF501]\n    # an end\n}",
        "check n {\n    edges + 2 * params <= 3  # known # nfc: ignore[NF501]\n}",
    ],
)
def test_what_a_comment_ignores_stays_on_its_line(text: str) -> None:
    """Such a comment is about the findings that start on its line."""
    apart = "\n" if text.startswith("check n {\n") else ""
    assert laid_out(f"nf 1\n{text}\n", 20) == f"nf 1\n{apart}{text}\n"


@pytest.mark.parametrize(
    "text",
    [
        "check n {\n    params <= (1 +  # nfc: ignore[NF501]\n        2)\n}",
        "check n {\n    params <= (1 +\n        2)  # nfc: ignore[NF501]\n}",
        "check n {\n    params <= 3; edges <= 2  # nfc: ignore[NF501]\n}",
        "topology t = butterfly >>  # nfc: ignore[NF421]\n  monarch",
    ],
)
def test_a_comment_that_would_ignore_something_else_is_reported(text: str) -> None:
    with pytest.raises(NfcError) as raised:
        laid_out(f"nf 1\n{text}\n")
    (found,) = raised.value.diagnostics
    assert (found.code, found.span and found.span.text[:2]) == ("NF114", "NF")


@pytest.mark.parametrize(
    "text",
    [
        "check n {{\n    {}\n    params <= 1\n}}",
        "let a = [\n    {}\n    1 + 2,\n]",
        "let a = (\n    {}\n    1 + 2\n)",
    ],
)
def test_a_comment_above_an_expression_does_not_break_it(text: str) -> None:
    apart = "\n" if text.startswith("check") else ""
    for comment in ("# why", "# why\n\n    # and what"):
        written = text.format(comment)
        assert laid_out(f"nf 1\n{written}\n") == f"nf 1\n{apart}{written}\n"


def test_syntax_errors_are_reported() -> None:
    with pytest.raises(NfcError) as caught:
        laid_out("network {")
    assert caught.value.diagnostics


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("nf 1\nlet a = 2\n# c\n", "syntax tree"),
        ("nf 1\nlet a = 1\n", "comments"),
        ("nf 1\nlet a = 1 1\n", "parse"),
        ("nf 1\nlet a =   1\n# c\n", "layout"),
    ],
)
def test_a_wrong_layout_is_found(wrong: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts = iter([wrong, "nf 1\nlet a = 1\n# c\n"])
    monkeypatch.setattr(nfc.formatting.format, "lay_out", lambda *_: next(layouts))
    with pytest.raises(FormattingError, match=said):
        laid_out("nf 1\nlet a=1\n# c\n")


def test_a_deep_and_long_text_is_laid_out_without_recursion() -> None:
    deep = "(" * 190 + "1" + ")" * 190
    long = ", ".join(["1"] * 5_000)
    result = laid_out(f"nf 1\nlet a = {deep}\nlet b = [{long}]\n")
    assert result.count("1") == 5_002
    assert max(map(len, result.splitlines())) <= 4 * 191 + LINE_LENGTH


def test_the_files_of_the_repository_are_in_canonical_layout() -> None:
    assert [path for path in FILES if laid_out(path.read_text("utf-8")) != path.read_text("utf-8")] == []
