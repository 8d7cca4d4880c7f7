"""`[tool.nfc]`: where it is found, what it may hold, and where what is wrong stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.diagnostics import Diagnostic, NfcError
from nfc.settings import Settings, find_settings, read_settings
from nfc.settings.globs import matches, matches_whole
from nfc.settings.places import places
from nfc.source import Source


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def wrong(text: str) -> list[Diagnostic]:
    Path("pyproject.toml").write_text(text, "utf-8")
    with pytest.raises(NfcError) as caught:
        find_settings(".")
    return list(caught.value.diagnostics)


def test_every_key() -> None:
    Path("pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.nfc]\ninclude = ["*.nf", "*.spec"]\nexclude = ["old/"]\n'
        'format = "github"\ncolor = "never"\nignore = ["NF421"]\n'
        "[tool.nfc.define]\nwidth = 2048\nwide = true\nratio = 0.5\nshape = [1, 2]\nkind = 'k + 1'\n"
        "[tool.nfc.limits]\nedges = '2G'\nfile-bytes = 1000\nseconds = 1.5\n"
        '[tool.nfc.per-file-ignores]\n"legacy/**" = ["NF501", "NF502"]\n',
        "utf-8",
    )
    found = find_settings(".")
    assert found == Settings(
        folder=str(Path.cwd()),
        include=("*.nf", "*.spec"),
        exclude=("old/",),
        format="github",
        color="never",
        define={"width": 2048, "wide": True, "ratio": 0.5, "shape": [1, 2], "kind": "k + 1"},
        limits={"edges": 2 * 10**9, "file_bytes": 1000, "seconds": 1.5},
        ignore=frozenset({"NF421"}),
        per_file_ignores=(("legacy/**", frozenset({"NF501", "NF502"})),),
    )
    assert found.ignores(Diagnostic("NF421", "m", None))
    assert found.ignores(Diagnostic("NF501", "m", None, file="legacy/deep/x.nf"))
    assert not found.ignores(Diagnostic("NF501", "m", None, file="x.nf"))
    assert not found.ignores(Diagnostic("NF501", "m", None))


def test_the_nearest_file_with_a_table_counts(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[tool.nfc]\nformat = "json"\n', "utf-8")
    (folder / "a" / "pyproject.toml").write_text('[tool.other]\nformat = "x"\n', "utf-8")
    assert find_settings(str(inner)).format == "json"
    (folder / "a" / "pyproject.toml").write_text('[tool.nfc]\nformat = "sarif"\n', "utf-8")
    assert find_settings(str(inner)).format == "sarif"
    (inner / ".git").mkdir()
    assert find_settings(str(inner)) == Settings()


def test_a_file_without_a_table_sets_nothing() -> None:
    Path("other.toml").write_text("", "utf-8")
    assert read_settings("other.toml").format is None


@pytest.mark.parametrize(
    ("text", "code", "at", "message"),
    [
        ("[tool.nfc]\nfromat = 1\n", "NF761", "fromat", "`tool.nfc` has no key `fromat`"),
        ("[tool]\nnfc = {limits = {edge = 1}}\n", "NF761", "edge", "`tool.nfc.limits` has no key `edge`"),
        ("tool.nfc.format = 'jsno'\n", "NF762", "'jsno'", 'found "jsno"'),
        ("[tool.nfc]\nformat = true\n", "NF762", "true", "found true"),
        (
            "[tool.nfc]\nignore = [\n  'NF421', # no\n  'NF999',\n]\n",
            "NF762",
            "'NF999'",
            "there is no code `NF999`",
        ),
        ("[tool.nfc]\nignore = 'NF421'\n", "NF762", "'NF421'", "a list of codes, found"),
        ("[tool.nfc]\ninclude = ['a', 3]\n", "NF762", "3", "`tool.nfc.include[2]` is a text, found 3"),
        ("[tool.nfc]\n'define' = {w = 1979-05-27}\n", "NF762", "1979-05-27", "found a date"),
        ("[tool.nfc.define]\n'a b' = 1\n", "NF762", "'a b'", "no name of a parameter"),
        ("[tool.nfc.limits]\nwidth = '12x'\n", "NF762", "'12x'", "a positive number"),
        ("[tool.nfc.limits]\nwidth = 0\n", "NF762", "0", "found 0"),
        ("[tool.nfc.limits]\nseconds = inf\n", "NF762", "inf", "a positive number"),
        ("[tool]\nnfc = 3\n", "NF762", "3", "`tool.nfc` is a table, found 3"),
        ("[[tool.nfc]]\n", "NF762", "nfc", "a table, found a list"),
        ("[tool.nfc]\nformat = \n", "NF760", "\n", "invalid value"),
        ("[tool.nfc", "NF760", "", "is no TOML"),
        ("a = " + "[" * 20_000, "NF760", None, "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text: str, code: str, at: str | None, message: str) -> None:
    (found,) = wrong(text)
    assert found.code == code
    assert message in found.message
    if at is not None:
        assert found.span is not None
        assert found.span.text == at


def test_all_that_is_wrong_is_said() -> None:
    found = wrong("[tool.nfc]\nformat = 1\ncolor = 'red'\nignore = ['x', 'y']\nwhat = 0\n")
    assert sorted(each.code for each in found) == ["NF761", "NF762", "NF762", "NF762", "NF762"]


@pytest.mark.parametrize("data", [b"\xff\xfe", b""])
def test_any_bytes(data: bytes) -> None:
    Path("pyproject.toml").write_bytes(data)
    if data:
        with pytest.raises(NfcError):
            find_settings(".")
    else:
        assert find_settings(".") == Settings()


KEYS = st.text(st.sampled_from("ab.\"'[]{}#=, \n\\\t-é"), min_size=1, max_size=6)
VALUES = st.recursive(
    st.integers() | st.booleans() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def quoted(text: str) -> str:
    special = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(special.get(character, character) for character in text) + '"'


def toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return "[ " + ", # ] x\n".join(map(toml, value)) + "\n]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)} = {toml(item)}" for key, item in value.items()) + "}"
    raise AssertionError(value)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_places_are_those_of_the_values(table: dict[str, object]) -> None:
    text = "# [x]\n[tool.'n f']  # y = 1\n" + "".join(f"{quoted(k)} = {toml(v)}\n" for k, v in table.items())
    found = places(Source("x.toml", text))

    def check(path: tuple[str | int, ...], value: object) -> None:
        span = found.values[path]
        assert tomllib.loads(f"v = {span.text}")["v"] == value
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                check((*path, key), item)

    assert tomllib.loads(text)["tool"]["n f"] == table
    for key, value in table.items():
        assert tomllib.loads(f"{found.keys['tool', 'n f', key].text} = 1") == {key: 1}
        check(("tool", "n f", key), value)


@given(st.text(st.sampled_from("a=[]{}\"'#.,\n\\ "), max_size=40))
def test_places_of_any_text_do_not_fail(text: str) -> None:
    places(Source("x.toml", text))


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("*.nf", "a/b/c.nf", True),
        ("*.nf", "a/b/c.nfx", False),
        ("old", "a/old/c.nf", True),
        ("old/", "old/c.nf", True),
        ("a/old", "a/old/c.nf", True),
        ("a/old", "b/a/old/c.nf", False),
        ("/c.nf", "c.nf", True),
        ("./a/*.nf", "a/c.nf", True),
        ("a/*.nf", "a/b/c.nf", False),
        ("a/**/c.nf", "a/c.nf", True),
        ("a/**/c.nf", "a/b/d/c.nf", True),
        ("a/**", "a/b/c.nf", True),
        ("a?c.nf", "abc.nf", True),
        ("a?c.nf", "a/c.nf", False),
        ("[ab].nf", "b.nf", True),
        ("[!ab].nf", "b.nf", False),
        ("[!ab].nf", "c.nf", True),
        ("[a-c].nf", "b.nf", True),
        ("[.nf", "[.nf", True),
        ("[]].nf", "].nf", True),
        ("a.c", "abc", False),
        ("[z-a]", "[z-a]", True),
        ("[\\d]", "d", True),
        ("[\\d]", "5", False),
        ("(a|b)*+", "(a|b)x+", True),
    ],
)
def test_patterns(pattern: str, path: str, is_match: bool) -> None:
    assert matches(pattern, path) is is_match


def test_a_pattern_of_an_argument_is_about_a_whole_path() -> None:
    assert matches_whole("**/*.nf", "x.nf")
    assert matches_whole("**/*.nf", "a/b/x.nf")
    assert not matches_whole("*", "a/x.nf")
    assert not matches_whole("a", "a/x.nf")
