"""Comments that keep findings back, in the API and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

import nfc as package
from nfc.diagnostics import Diagnostic, Severity
from nfc.source import Source, Span
from nfc.suppressions import is_ignorable, read_comments, sift
from tests.documents import nfc

FAILING = (
    "nf 1\nnetwork n {{ input 4; head: linear 3 }}\ncheck n {{\n    params <= 10{}\n    depth == 1{}\n}}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(text: str, *options: str) -> tuple[int, list[tuple[str, int]]]:
    """The exit code, and codes and lines of what `nfc check` finds."""
    Path("n.nf").write_text(dedent(text), "utf-8")
    done = nfc(["check", "n.nf", "--no-config", "--format", "json", *options])
    return done.code, [(each["code"], each["line"]) for each in json.loads(done.out)["diagnostics"]]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", (1, [("NF501", 4)])),
        ("  # nfc: ignore[NF501]", "", (0, [])),
        ("  # why  # nfc:ignore[ NF501 ] until 2030", "", (0, [])),
        ("  # nfc: ignore[NF501]", "  # nfc: ignore[NF501]", (0, [("NF113", 5)])),
        ("  # nfc: ignore[NF501, NF502]", "", (0, [("NF113", 4)])),
        ("", "  # nfc: ignore-file[NF501]", (0, [])),
        ("  # nfc: ignore", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ignore[]", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ignore[NF501", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ignore[NF999]", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ignore[nf501]", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ingore[NF501]", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc ignore[NF501]", "", (1, [("NF501", 4), ("NF112", 4)])),
        ("  # nfc: ignore[NF9, NF501]", "", (0, [("NF112", 4)])),
        ("  # nfc reads this, ignore it", "", (1, [("NF501", 4)])),
        ("  # nfc: a note", "", (1, [("NF501", 4)])),
        ("  # nfc: ignore[NF501]", "  # nfc: ignore[NF113]", (0, [])),
    ],
)
def test_comments(first: str, second: str, expected: tuple[int, list[tuple[str, int]]]) -> None:
    assert found(FAILING.format(first, second)) == expected


def test_a_comment_in_a_string_is_none() -> None:
    assert found(FAILING.format(' as "# nfc: ignore[NF501]"', "")) == (1, [("NF501", 4)])


def test_a_comment_on_a_line_of_its_own_says_where_it_belongs() -> None:
    Path("n.nf").write_text(FAILING.format("\n    # nfc: ignore[NF501]", ""), "utf-8")
    done = nfc(["check", "n.nf"])
    assert done.code == 1
    assert "end of the line that the diagnostic starts on" in done.err


def test_warnings_are_kept_back_by_every_verb() -> None:
    Path("w.nf").write_text(
        "nf 1\nnetwork w {\n input 9\n linear 4 via diagonal # nfc: ignore[NF412]\n}\n", "utf-8"
    )
    without = Path("w.nf").read_text("utf-8").partition(" #")[0] + "\n}\n"
    (shown,) = json.loads(nfc(["check", "-", "--format", "json"], without).out)["diagnostics"]
    Path("w.nf").write_text(Path("w.nf").read_text("utf-8").replace("NF412", shown["code"]), "utf-8")
    for verb in ("check", "show"):
        done = nfc([verb, "w.nf"])
        assert (done.code, done.err) == (0, "")


def test_errors_of_the_spec_cannot_be_kept_back() -> None:
    text = "nf 1\nnetwork n { input 4; linear 3 via nothing }  # nfc: ignore[NF201]\n"
    assert found(text) == (1, [("NF201", 2), ("NF113", 2)])


def test_one_network_alone_leaves_comments_unjudged() -> None:
    text = FAILING.format("  # nfc: ignore[NF501]", "") + "network m { input 4; linear 3 }\n"
    assert found(text, "--network", "m") == (0, [])


def test_a_comment_in_a_used_file_counts_for_all_that_use_it() -> None:
    Path("lib.nf").write_text("nf 1\ntopology thin = diagonal  # nfc: ignore[NF501]\n", "utf-8")
    Path("root.nf").write_text('nf 1\nuse "lib.nf"\nnetwork r { input 4; linear 4 via thin }\n', "utf-8")
    done = nfc(["check", "root.nf"])
    assert (done.code, done.err) == (0, "")  # judged where it stands
    assert "NF113" in nfc(["check", "lib.nf"]).err


def test_ignored_failures_are_marked_everywhere() -> None:
    Path("n.nf").write_text(FAILING.format(" # nfc: ignore[NF501]", ""), "utf-8")
    done = nfc(["check", "n.nf"])
    assert "skip  params <= 10  15" in done.out
    assert "1 of 2 assertions hold, 1 ignored" in done.out
    records = json.loads(nfc(["check", "n.nf", "--format", "json"]).out)
    assert (records["ok"], [each["ignored"] for each in records["checks"]]) == (True, [True, False])
    assert "<skipped" in nfc(["check", "n.nf", "--format", "junit"]).out
    assert nfc(["check", "n.nf", "--format", "github"]).shown == ""
    (result,) = json.loads(nfc(["check", "n.nf", "--format", "sarif"]).out)["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource"}]


def test_the_api_follows_comments() -> None:
    report = package.load(Source("n.nf", FAILING.format(" # nfc: ignore[NF501]", ""))).check()
    assert report.ok
    assert [(each.ok, each.ignored) for each in report.results] == [(False, True), (True, False)]
    assert [each.code for each in report.ignored] == ["NF501"]
    assert (
        nfc(["compile", "-", "--to", "torch", "--check"], FAILING.format(" # nfc: ignore[NF501]", "")).code
        == 0
    )


@pytest.mark.parametrize(
    ("code", "severity", "expected"),
    [
        ("NF501", Severity.ERROR, True),
        ("NF502", Severity.ERROR, True),
        ("NF201", Severity.ERROR, False),
        ("NF421", Severity.WARNING, True),
    ],
)
def test_what_can_be_ignored(code: str, severity: Severity, expected: bool) -> None:
    assert is_ignorable(Diagnostic(code, "m", None, severity)) is expected


def test_many_comments_take_linear_time() -> None:
    text = "nf 1\n" + "# nfc: ignore[NF421]\n" * 20_000
    source = Source("x.nf", text)
    assert len(read_comments(source).suppressions) == 20_000
    sifted = sift(
        Diagnostic("NF421", "m", Span(source, 5 + 21 * n, 6 + 21 * n), Severity.WARNING) for n in range(2000)
    )
    assert (len(sifted.kept), len(sifted.ignored)) == (0, 2000)
