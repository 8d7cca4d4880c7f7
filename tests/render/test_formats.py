"""Every format on one document, its schema, and texts that try to leave their place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from syrupy.assertion import SnapshotAssertion

from nfc.diagnostics import Diagnostic, Severity
from nfc.render.checks import render_checks
from nfc.render.document import Base, Document
from nfc.render.github import render_github
from nfc.render.json import diagnostic_records, render_json
from nfc.render.junit import render_junit
from nfc.render.sarif import FINGERPRINT, render_sarif
from nfc.render.text import render_text
from nfc.render.visible import harmless, visible
from nfc.source import Source
from tests.render.documents import DOCUMENT, HOSTILE, hostile_document
from tests.render.fixtures import at
from tests.render.validation import valid_junit, valid_sarif

HERE = Base(str(Path.cwd()))


def as_text(document: Document, base: Base) -> str:
    return harmless(render_checks("specs/net.nf", document.cases))


RENDERERS: dict[str, Callable[[Document, Base], str]] = {
    "text": as_text,
    "github": render_github,
    "junit": render_junit,
}


@pytest.mark.parametrize("name", RENDERERS)
def test_rendered(name: str, snapshot: SnapshotAssertion) -> None:
    assert RENDERERS[name](DOCUMENT, HERE) == snapshot


def test_sarif(snapshot: SnapshotAssertion) -> None:
    log = valid_sarif(render_sarif(DOCUMENT, HERE))
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        page = rule.pop("help", {"text": "", "markdown": ""})
        assert page["text"] == page["markdown"]  # the pages themselves are tested elsewhere
        rule.pop("fullDescription", None)
    log["runs"][0]["tool"]["driver"].pop("semanticVersion")
    assert log == snapshot


def test_an_empty_document_is_valid() -> None:
    empty = Document(verb="check")
    assert render_github(empty, HERE) == ""
    assert valid_sarif(render_sarif(empty, HERE))["runs"][0]["results"] == []
    assert valid_junit(render_junit(empty, HERE))["@tests"] == 0


# --- hostile texts ------------------------------------------------------------------------------

UNSAFE = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def commands(text: str) -> list[str]:
    """The commands that the runner of GitHub Actions or of Azure Pipelines finds in a log, line by line.

    As the runner's `ActionCommand` reads lines: `::name …::` after spaces, else `##[name …]` anywhere.
    """
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        command = re.match(r"\s*::([^:\s]+)", line) or re.search(r"##(?:vso)?\[([^\]]*)", line)
        if command:
            found.append(command[1].split()[0])
    return found


def test_the_reader_of_commands_finds_them() -> None:
    assert set(commands(HOSTILE)) == {"error", "set-output"}
    assert commands("  ::add-mask::x") == ["add-mask"]


def hostile_texts() -> dict[str, str]:
    document = hostile_document()
    fields = {"diagnostics": diagnostic_records(document.diagnostics), "reason": HOSTILE}
    return {
        "text": as_text(document, HERE),
        "diagnostics": harmless(render_text(document.diagnostics)),
        "file": harmless(render_checks(HOSTILE.partition("\n")[2], document.cases)),
        "json": render_json(fields),
        "sarif": render_sarif(document, HERE),
        "junit": render_junit(document, HERE),
    }


@pytest.mark.parametrize("name", hostile_texts())
def test_nothing_hostile_reaches_the_reader(name: str) -> None:
    text = hostile_texts()[name]
    assert not UNSAFE.search(text)
    assert commands(text) == []


def test_github_gets_its_own_commands_alone() -> None:
    text = render_github(hostile_document(), HERE)
    assert not UNSAFE.search(text)
    assert commands(text) == ["error", "warning", "error", "error"]
    for line in text.split("\n"):
        properties = re.match(r"::(?:error|warning) (.*?)::", line)
        assert properties
        keys = [each.partition("=")[0] for each in properties[1].split(",")]
        assert set(keys) <= {"file", "line", "col", "endLine", "endColumn", "title"}
        assert len(set(keys)) == len(keys)


def test_documents_of_hostile_texts_are_valid_and_hold_them() -> None:
    document = hostile_document()
    log = valid_sarif(render_sarif(document, HERE))
    message = log["runs"][0]["results"][0]["message"]["text"]
    assert "[text](" not in message
    assert visible("]]> <a href='&'>") in message
    report = valid_junit(render_junit(document, HERE))
    assert visible(HOSTILE) in str(report)
    records = json.loads(render_json({"reason": HOSTILE}))
    assert records["reason"] == HOSTILE


@pytest.mark.parametrize(
    "text", ["##[group]x", "a ##vso[task.setvariable]", "##[[x]", "::x::", "  ::x", "a\n\t::b::c"]
)
def test_commands_are_taken_apart(text: str) -> None:
    assert commands(text)
    assert commands(harmless(text)) == []


@pytest.mark.parametrize("text", ["a ## b", "# heading", "a::b", "http://x", "## [x](y)", "a: b :: c"])
def test_what_is_no_command_stays(text: str) -> None:
    assert harmless(text) == visible(text) == text


# --- places -----------------------------------------------------------------------------------------


def test_carets_stand_under_text_behind_a_command() -> None:
    source = Source("x.nf", "linear 3 # ##[group]x BAD\n")
    shown = render_text([Diagnostic("NF101", "x", at("BAD", source))]).splitlines()
    assert shown[3].index("BAD") == shown[4].index("^^^")


def test_paths_are_relative_to_the_base(tmp_path: Path) -> None:
    base = Base(str(tmp_path))
    assert base.path(str(tmp_path / "a" / "b.nf")) == "a/b.nf"
    assert base.path("<stdin>") == "<stdin>"
    assert not Path(base.path("x.nf")).is_absolute()


def test_sarif_names_any_file_by_its_bytes() -> None:
    name = os.fsdecode(b"specs/\xff a%b\xe6\xbc\xa2.nf")
    found = Diagnostic("NF702", "cannot read", None, file=name)
    log = valid_sarif(render_sarif(Document(verb="check", diagnostics=(found,)), HERE))
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == os.fsencode(name)
    assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", uri)


def fingerprints(*texts: str, message: str = "m") -> list[str]:
    source = Source("x.nf", "".join(texts))
    places = [match.span() for match in re.finditer(r"depth\s*<\s*3", source.text)]
    found = tuple(
        replace(Diagnostic("NF501", message, at("depth", source)), span=at(source.text[start:end], source))
        for start, end in places
    )
    log = valid_sarif(render_sarif(Document(verb="check", diagnostics=found), HERE))
    return [each["partialFingerprints"][FINGERPRINT] for each in log["runs"][0]["results"]]


def test_fingerprints_follow_the_text_not_the_line() -> None:
    first = fingerprints("nf 1\n", "depth < 3\n", message="depth is 4")
    assert fingerprints("nf 1\n\n# more\n", "  depth  <  3\n", message="depth is 5") == first
    twice = fingerprints("nf 1\n", "depth < 3\n", "depth < 3\n")
    assert twice[0] == first[0]
    assert len(set(twice)) == 2


def test_a_finding_of_several_lines_has_no_columns_on_github() -> None:
    source = Source("x.nf", "sum {\n}\n")
    found = Diagnostic("NF302", "m", at("sum {\n}", source), Severity.WARNING)
    line = render_github(Document(verb="show", diagnostics=(found,)), HERE)
    assert line == "::warning file=x.nf,line=1,endLine=2,title=nfc NF302::m"
