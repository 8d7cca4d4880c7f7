"""Any text gives a tree and diagnostics with places inside of it; never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.source import Source
from nfc.syntax import ast, parse, parse_expression
from nfc.syntax.recovery import MOST_ERRORS
from tests.syntax.mistakes import CASES
from tests.syntax.trees import LIMITS, codes, nodes, parsed, shape

CORPUS = [path.read_text("utf-8") for path in sorted((Path(__file__).parents[1] / "corpus").glob("*.nf"))]
TOKENS = """nf 1 use param let mask topology network check init allow_empty and or not xor in for if true false via as
    each "s" "open name x a.b.1.c 5% 1k .5 1e3 0..2 ( ) [ ] { } { } , ; : = == + - * / // % ** >> | & ~ .. ..< linear
    repeat sum relu × “ ' @ && \\ /* */ <= <> ... 5x else = { ={ +{""".split()
SOUP = st.lists(st.sampled_from([*TOKENS, "\n", "\n", "# c\n", "\0", "\t"]), max_size=60).map(" ".join)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A sound file or a known mistake with a few characters lost, doubled or put in."""
    text = draw(st.sampled_from([*CORPUS, *CASES.values()]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 5)))
        text = text[:start] + draw(st.sampled_from(["", text[start:end] * 2, *TOKENS, "\n"])) + text[end:]
    return text


def check_sane(text: str) -> None:
    source, sink = Source("t.nf", text), Sink()
    file = parse(source, sink, LIMITS)
    places = [diagnostic.span for diagnostic in sink.diagnostics]
    assert all(
        place and place.source == source and 0 <= place.start <= place.end <= len(text) for place in places
    )
    assert [place.start for place in places] == sorted(place.start for place in places)
    found = nodes(file)
    assert all(0 <= node.span.start <= node.span.end <= len(text) for node in found)
    if any(isinstance(node, ast.BadStatement | ast.BadDefinition) for node in found):
        assert sink.failed
    expression, lone = Sink(), parse_expression(source, Sink(), LIMITS)
    parse_expression(source, expression, LIMITS)
    assert (lone is None) == expression.failed


@given(st.text(max_size=200))
def test_random_text(text: str) -> None:
    check_sane(text)


@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    check_sane(data.decode("utf-8", "replace"))
    check_sane(data.decode("latin-1"))


@settings(max_examples=200)
@given(SOUP)
def test_token_soup(text: str) -> None:
    check_sane(text)


@settings(max_examples=200)
@given(damaged())
def test_damaged_files(text: str) -> None:
    check_sane(text)


@pytest.mark.parametrize("text", CORPUS)
def test_a_file_cut_off_anywhere(text: str) -> None:
    for length in range(0, len(text), 7):
        check_sane(text[:length])


@given(damaged(), st.sampled_from([1, 2, 7]))
def test_a_sound_definition_survives_at_the_end(text: str, count: int) -> None:
    """Unless it was swallowed by a string or a comment of another language, or too much was wrong before."""
    file, diagnostics = parsed(f"{text}\n\nlet survivor = {count}\n")
    if "/*" in text or len(diagnostics) > MOST_ERRORS:
        return
    last = file.definitions[-1] if file.definitions else None
    assert isinstance(last, ast.Constant | ast.BadDefinition)
    if isinstance(last, ast.Constant):
        assert (last.name, shape(last.value)) == (
            "survivor",
            shape(ast.Number(span=last.value.span, value=count)),
        )


# --- the limits ---

DEEP = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "(" * DEEP + "1" + ")" * DEEP,
        "let a = " + "(" * DEEP,
        "let a = " + "[" * DEEP,
        "let a = " + "-" * DEEP + "1",
        "let a = " + "not " * DEEP + "1",
        "topology t = " + "f(" * DEEP + "1" + ")" * DEEP,
        "network n " + "{ repeat 2 " * DEEP,
        "network n " + "{ repeat 2 " * 500 + "}" * 500,
        "mask m[o] = " + "{ a = " * DEEP,
        "let a = " + "2**" * 5000 + "1",
        "let a = " + "1+" * 5000 + "1",
    ],
    ids=lambda text: text[:24],
)
def test_depth_is_bounded(text: str) -> None:
    file, diagnostics = parsed(f"nf 1\n{text}\nlet b = 2\n")
    assert [diagnostic.code for diagnostic in diagnostics] == ["NF701"]
    assert shape(file.definitions[-1]) == shape(parsed("nf 1\nlet b = 2\n")[0].definitions[0])


@pytest.mark.parametrize("depth", [1, 10, 200])
def test_brackets_up_to_the_limit(depth: int) -> None:
    limits = Limits(nesting=depth)
    for opener, closer in (("(", ")"), ("[", "]"), ("f(", ")")):
        assert parsed(f"nf 1\nlet a = {opener * depth}1{closer * depth}\n", limits)[1] == []
        over = parsed(f"nf 1\nlet a = {opener * (depth + 1)}1{closer * (depth + 1)}\n", limits)[1]
        assert [diagnostic.code for diagnostic in over] == ["NF701"]
        assert over[0].span.start == len("nf 1\nlet a = ") + len(opener) * (depth + 1) - 1


def test_blocks_and_operators_count_together() -> None:
    blocks = "repeat 2 { " * 9
    text = f"nf 1\nnetwork n {{ {blocks} linear 1 + 1 + 1 {'}' * 9} }}\n"
    assert parsed(text, Limits(nesting=12))[1] == []
    assert [diagnostic.code for diagnostic in parsed(text, Limits(nesting=11))[1]] == ["NF701"]


def test_a_long_list_and_a_long_line_are_not_deep() -> None:
    assert parsed(f"nf 1\nlet a = [{'1, ' * 3000}]\n")[1] == []


@pytest.mark.parametrize(
    "line", ["foo bar", ")", "}", '"', "/* x */", "network a {", "let a = (1", "let a = = 1"]
)
def test_errors_are_bounded(line: str) -> None:
    found = codes("nf 1\n" + f"{line}\n" * 500)
    assert len(found) <= MOST_ERRORS + 2
    assert len(found) > MOST_ERRORS or found == ["NF106"]


@pytest.mark.parametrize(
    "text", ["\0" * 1000, "\n" * 1000, ";" * 1000, "\ufeffnf 1", "\u2028\x0b\x0c\x85\x1c" * 100, "nf 1\0"]
)
def test_odd_characters(text: str) -> None:
    check_sane(text)


def test_an_unclosed_string_keeps_the_brackets_after_it() -> None:
    assert codes('nf 1\ncheck m { each linear { connected as "x } }\nlet b = 2\n') == ["NF104"]


# --- an expression alone ---


def test_a_lone_expression() -> None:
    sink = Sink()
    found = parse_expression(Source("-D", "parallel(2, butterfly(radix=4))\n"), sink, LIMITS)
    assert isinstance(found, ast.Call)
    assert sink.diagnostics == []


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "1 2", "f(", "let a = 1", "1; 2", "×", "(", ")", "1e999", "nf 1", "# c", "{1}"]
)
def test_what_is_no_expression(text: str) -> None:
    sink = Sink()
    assert parse_expression(Source("-D", text), sink, LIMITS) is None
    assert len(sink.diagnostics) == 1
