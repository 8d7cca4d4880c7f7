import re

import pytest
from syrupy.assertion import SnapshotAssertion

from nfc.diagnostics import Diagnostic, Label
from nfc.render.style import COLOURED, PLAIN, style_for
from nfc.render.text import render_diagnostic, render_text, summary
from nfc.render.visible import cells, clip, visible, width
from nfc.source import Source, Span
from tests.render.fixtures import FIXTURES, at


@pytest.mark.parametrize("name", FIXTURES)
def test_text(name: str, snapshot: SnapshotAssertion) -> None:
    assert render_diagnostic(FIXTURES[name], columns=80) == snapshot


def test_colour_adds_nothing_but_colour(snapshot: SnapshotAssertion) -> None:
    plain = render_text(FIXTURES.values(), PLAIN)
    coloured = render_text(FIXTURES.values(), COLOURED)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert render_diagnostic(FIXTURES["hints"], COLOURED) == snapshot


def test_nothing_of_the_source_reaches_the_terminal_unseen() -> None:
    rendered = render_text(FIXTURES.values())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rendered)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_of_source_fit_the_terminal(columns: int) -> None:
    rendered = render_diagnostic(FIXTURES["long line"], columns=columns)
    excerpt = rendered.splitlines()[3:5]
    assert all(width(line) <= columns for line in excerpt)
    assert excerpt[0].index("BAD") == excerpt[1].index("^^^")


def test_carets_stand_under_wide_characters_when_the_line_is_clipped() -> None:
    source = Source("wide.nf", "漢" * 41 + "x" + "字" * 100)
    line, carets = render_diagnostic(Diagnostic("NF101", "x", at("x", source)), columns=60).splitlines()[3:5]
    assert width(line[: line.index("x")]) == carets.index("^")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abc", (0, 1, 2, 3)),
        ("\ta", (0, 4, 5)),
        ("a\tb", (0, 1, 4, 5)),
        ("漢a", (0, 2, 3)),
        ("e\u0301a", (0, 1, 1, 2)),
    ],
)
def test_cells(line: str, expected: tuple[int, ...]) -> None:
    shown, starts = cells(line)
    assert starts == expected
    assert width(shown) == expected[-1]


def test_clip_replaces_half_a_wide_character() -> None:
    assert clip("漢字", 1, 4) == " 字"
    assert clip("漢字", 0, 3) == "漢 "


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\x1b[m", "␛[m"), ("\x7f", "␡"), ("a\u2028b", "a<U+2028>b"), ("\udc80", "<U+DC80>"), ("×σ漢", "×σ漢")],
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


@pytest.mark.parametrize("text", ["", "\n", "x", "x\n", "\n\n\n"])
def test_every_span_of_a_small_source_can_be_shown(text: str) -> None:
    source = Source("small.nf", text)
    for start in range(len(text) + 1):
        for end in range(start, len(text) + 1):
            label = Label(Span(source, end, end), "here")
            rendered = render_diagnostic(Diagnostic("NF101", "m", Span(source, start, end), labels=(label,)))
            assert "^" in rendered
            assert "- here" in rendered


def test_summary_counts_by_severity() -> None:
    assert summary(FIXTURES.values()) == "9 errors, 1 warning"
    assert summary([FIXTURES["hints"]]) == "1 error"
    assert summary([]) == ""


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environment", "expected"),
    [
        ("auto", {}, COLOURED),
        ("auto", {"NO_COLOR": "1"}, PLAIN),
        ("auto", {"NO_COLOR": ""}, COLOURED),
        ("auto", {"TERM": "dumb"}, PLAIN),
        ("always", {"NO_COLOR": "1"}, COLOURED),
        ("never", {}, PLAIN),
    ],
)
def test_when_colour_is_used(choice: str, environment: dict[str, str], expected: object) -> None:
    assert style_for(choice, _Terminal(), environment) is expected  # type: ignore[arg-type]


def test_labels_are_shown_without_a_place_of_the_diagnostic() -> None:
    label = Label(Span(Source("x.nf", "linear 3"), 0, 6), "this one")
    rendered = render_diagnostic(Diagnostic("NF000", "something is wrong", None, labels=(label,)))
    assert "x.nf:1:1" in rendered
    assert "------ this one" in rendered


def test_long_names_are_cut_in_the_middle() -> None:
    name = "a" * 500_000 + "z" * 500_000
    rendered = render_diagnostic(Diagnostic("NF000", f"no layer `{name}` here", None, hints=(name,)))
    assert len(rendered) < 600
    assert "a…z" in rendered
    assert "z` here" in rendered
