"""Locks: what they hold, what they catch, and what they leave alone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfc.locks.reader
from nfc import load
from nfc.diagnostics import Sink
from nfc.locks.compare import compare
from nfc.locks.lock import FORMAT, Lock, lock_of
from nfc.locks.reader import read_lock
from nfc.locks.writer import render_lock, text
from nfc.source import Source
from tests.documents import ROOT
from tests.documents import nfc as run
from tests.programs import programs

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.nf"))
BASE = """\
nf 1
param width = 16
mask tri[o, i] = abs(o - i) <= 1
network net {
    input width
    linear width via random(fan_in=3)
    relu
    mid: linear width via tri
    norm layer
    dropout 10%
    repeat 2 { linear width via random(fan_in=2) }
    head: linear 4 via random(fan_in=5, seed=1)
}
"""
ALARMS = {
    "seed": ("seed=1", "seed=2", 12),
    "fan_in": ("fan_in=5", "fan_in=4", 12),
    "name": ("network net", "network mesh", 4),
    "label": ("mid:", "middle:", 8),
    "label_of_automatic_seeds": ("    linear width via random", "    first: linear width via random", 6),
    "bias": ("mid: linear width", "mid: linear width bias=false", 8),
    "init": ("mid: linear width", "mid: linear width init=xavier", 8),
    "activation": ("relu", "gelu", 7),
    "norm": ("norm layer", "norm rms", 9),
    "dropout": ("10%", "20%", 10),
    "output": ("linear 4", "linear 5", 4),
    "mask": ("<= 1", "<= 2", 8),
    "copies": ("repeat 2", "repeat 3", 11),
    "network_added": ("nf 1\n", "nf 1; network more { input 2 }\n", 1),
}
SILENT = {
    "comment": ("relu", "relu   # a remark"),
    "mask_name": ("tri", "beside"),
    "param_name": ("width", "size"),
    "folded": ("fan_in=5", "fan_in=2 + 3"),
    "written_otherwise": ("via tri", "via band"),
    "label_without_weights": ("    relu", "    act: relu"),
    "check": ("network net", "check net { params > 3 }\nnetwork net"),
}


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.nf"
    path.write_text(BASE)
    assert run(["lock", "net.nf"]).code == 0
    return path


def check(*options: str) -> tuple[int, dict[str, object]]:
    done = run(["lock", "--check", "net.nf", "--format", "json", *options])
    return done.code, json.loads(done.out)


@pytest.mark.parametrize(("old", "new", "line"), ALARMS.values(), ids=ALARMS)
def test_what_changes_a_network_is_an_error_at_its_line(spec: Path, old: str, new: str, line: int) -> None:
    assert old in BASE
    spec.write_text(BASE.replace(old, new, 1))
    code, document = check()
    assert code == 1
    assert {each["code"] for each in document["diagnostics"]} == {"NF512"}  # type: ignore[attr-defined]
    assert line in {each["line"] for each in document["diagnostics"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("old", "new"), SILENT.values(), ids=SILENT)
def test_what_keeps_its_meaning_is_none(spec: Path, old: str, new: str) -> None:
    assert old in BASE
    spec.write_text(BASE.replace(old, new))
    code, document = check()
    assert (code, document["ok"], document["diagnostics"]) == (0, True, [])
    (record,) = document["files"]  # type: ignore[misc]
    assert record["source_changed"]
    assert "the source changed, the networks did not" in run(["lock", "--check", "net.nf"]).out


def test_another_name_of_the_file_is_none(spec: Path) -> None:
    spec.rename("other.nf")
    Path("net.nf.lock").rename("other.nf.lock")
    assert run(["lock", "--check", "other.nf"]).out == "other.nf: as locked\n"


def test_parameters_are_written_and_used(spec: Path) -> None:
    assert run(["lock", "net.nf", "-D", "width=12"]).code == 0
    assert tomllib.loads(Path("net.nf.lock").read_text())["parameters"] == {"width": "12"}
    assert check()[0] == 0
    assert check("-D", "width=12")[0] == 0
    code, document = check("-D", "width=11")
    assert code == 1
    first = document["diagnostics"][0]  # type: ignore[index]
    assert "-D width=12" in first["message"]
    assert "-D width=11" in first["message"]


def test_a_line_is_a_layer_with_its_digest(spec: Path) -> None:
    locked = tomllib.loads(Path("net.nf.lock").read_text())
    network = load(spec).network
    layers = [each for each in locked["networks"]["net"]["layers"] if "digest" in each]
    assert [(each["path"], each["digest"], each["edges"]) for each in layers] == [
        (layer.name, layer.digest, layer.edges) for layer in network.layers
    ]
    assert locked["networks"]["net"]["digest"] == network.digest
    assert locked["networks"]["net"]["params"] == network.params
    lines = Path("net.nf.lock").read_text().splitlines()
    assert sum("path = " in line for line in lines) == len(locked["networks"]["net"]["layers"])


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_locks_are_read_as_they_were_written(path: Path, tmp_path: Path) -> None:
    lock = lock_of(load(path).elaborated, {"quoted": 'a "b"\\\n\x7f\u202e'})
    written = render_lock(lock)
    assert written.endswith("]\n")
    (tmp_path / "net.lock").write_text(written, "utf-8")
    found = read_lock(str(tmp_path / "net.lock"), "net.nf", Sink())
    assert render_lock(found) == written
    assert compare(found, lock).changes == ()


@settings(max_examples=20)
@given(programs())
def test_every_program_is_as_locked(program: str) -> None:
    lock = lock_of(load(Source("net.nf", program)).elaborated, {})
    found = nfc.locks.reader._lock(tomllib.loads(render_lock(lock)))
    assert compare(found, lock).changes == ()


@settings(max_examples=40)
@given(st.text())
def test_strings_are_toml(string: str) -> None:
    assert tomllib.loads(f"key = {text(string)}") == {"key": string}


def damaged(content: str) -> list[str]:
    """Locks that hold no truth: cut, merged, of other types, contradicting themselves."""
    lines = content.splitlines()
    layer = next(index for index, line in enumerate(lines) if "path = " in line)
    without_layer = "\n".join([*lines[:layer], *lines[layer + 1 :]])
    doubled = "\n".join([*lines[: layer + 1], lines[layer], *lines[layer + 1 :]])
    return [
        "",
        "\0",
        content[:-30],
        f"<<<<<<< ours\n{content}",
        content.replace("version = 1", 'version = "1"'),
        content.replace("params = ", "params = -"),
        content.replace("digest = ", "digests = "),
        content.replace("input = [", "input = [0, "),
        content.replace("[networks", "[[networks"),
        content.replace('path = "', 'path = [1], paths = "', 1),
        'version = 1\nnfc = "0.1.0"\nsource = 3\n',
        'version = 1\nnfc = "0.1.0"\nsource = ""\nnetworks = 3\n',
        "a = " + "[" * 20000,
        without_layer,
        doubled,
    ]


def test_damaged_locks_are_named(spec: Path) -> None:
    content = Path("net.nf.lock").read_text()
    for wrong in damaged(content):
        Path("net.nf.lock").write_text(wrong)
        code, document = check()
        assert (code, [each["code"] for each in document["diagnostics"]]) == (1, ["NF721"]), wrong[:80]  # type: ignore[attr-defined]


def test_missing_locks_other_formats_and_newer_versions(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("net.nf.lock")
    content = path.read_text()
    path.write_text(content.replace(f"version = {FORMAT}", f"version = {FORMAT + 1}"))
    assert [each["code"] for each in check()[1]["diagnostics"]] == ["NF722"]  # type: ignore[attr-defined]
    path.write_text(content.replace('nfc = "', 'nfc = "9'))
    code, document = check()
    (warning,) = document["diagnostics"]  # type: ignore[misc]
    assert (code, warning["code"], warning["severity"]) == (0, "NF722", "warning")
    path.unlink()
    done = run(["lock", "--check", "net.nf"])
    assert done.code == 1
    assert "`nfc lock net.nf` writes it" in done.err


def test_several_files_and_one_with_errors(spec: Path) -> None:
    Path("wrong.nf").write_text("nf 1\nnetwork net { input 3; lienar 2 }\n")
    done = run(["lock", "net.nf", "wrong.nf", "absent.nf", "--format", "json"])
    assert done.code == 1
    assert [each["ok"] for each in json.loads(done.out)["files"]] == [True, False, False]
    assert not Path("wrong.nf.lock").exists()


@pytest.mark.parametrize("arguments", [["-"], ["net.nf", "--network", "net"], []])
def test_misuse(spec: Path, arguments: list[str]) -> None:
    assert run(["lock", *arguments]).code == 2


def test_one_network_alone_can_be_compared(spec: Path) -> None:
    both = BASE + "network other { input 3; linear 2 }\n"
    spec.write_text(both)
    assert run(["lock", "net.nf"]).code == 0
    spec.write_text(both.replace("linear 2", "linear 1"))
    assert check("--network", "net")[0] == 0
    assert check("--network", "other")[0] == 1


def test_an_empty_lock_is_one() -> None:
    assert compare(Lock("sha256:0"), Lock("sha256:0")).changes == ()


# --- folders ---


def check_folder(*options: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of `nfc lock --check .`, and the code and the file of each diagnostic."""
    done = run(["lock", "--check", ".", "--format", "json", *options])
    return done.code, [(each["code"], each["file"]) for each in json.loads(done.out)["diagnostics"]]


def configure(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.nfc]\n{text}\n")


def test_a_lock_that_is_gone_is_missed_where_neighbours_have_one(spec: Path) -> None:
    Path("other.nf").write_text(BASE)
    Path("parts.nf").write_text("nf 1\nmask near[o, i] = abs(o - i) <= 1\n")
    Path("deeper").mkdir()
    Path("deeper/draft.nf").write_text(BASE)
    assert check_folder() == (1, [("NF702", "other.nf.lock")])
    done = run(["lock", "--check", "."])
    assert "`nfc lock other.nf` writes it" in done.err
    assert "`net.nf.lock` stands beside it" in done.err
    assert run(["lock", "other.nf"]).code == 0
    assert check_folder() == (0, [])


def test_settings_say_which_files_have_locks(spec: Path) -> None:
    Path("draft.nf").write_text(BASE)
    configure('lock = ["net.nf", "specs/"]')
    assert check_folder() == (0, [])
    Path("net.nf.lock").unlink()
    Path("specs").mkdir()
    Path("specs/deep.nf").write_text(BASE)
    assert check_folder() == (1, [("NF702", "net.nf.lock"), ("NF702", "specs/deep.nf.lock")])
    assert run(["lock", "."]).code == 0
    assert sorted(map(str, Path().rglob("*.lock"))) == ["net.nf.lock", "specs/deep.nf.lock"]
    assert check_folder() == (0, [])


def test_a_lock_whose_file_is_gone_is_an_error(spec: Path) -> None:
    Path("other.nf").write_text(BASE)
    assert run(["lock", "other.nf"]).code == 0
    Path("other.nf").unlink()
    assert check_folder() == (1, [("NF512", "other.nf.lock")])
    configure('exclude = ["other.nf"]')
    assert check_folder() == (0, [])


def test_a_comparison_that_compares_nothing_fails(spec: Path) -> None:
    Path("net.nf.lock").unlink()
    assert check_folder() == (1, [("NF702", ".")])
    configure("lock = []")
    assert check_folder() == (0, [])


def test_folders_lock_what_has_networks(spec: Path) -> None:
    Path("parts.nf").write_text("nf 1\nmask near[o, i] = abs(o - i) <= 1\n")
    assert run(["lock", "."]).code == 0
    assert not Path("parts.nf.lock").exists()
    assert run(["lock", "parts.nf"]).code == 0
    assert check_folder() == (0, [])


def test_a_folder_in_which_no_lock_is_written_is_told(spec: Path) -> None:
    Path("net.nf.lock").unlink()
    configure("lock = []")
    done = run(["lock", "."])
    assert (done.code, "no lock is written" in done.out) == (0, True)
    assert not Path("net.nf.lock").exists()


def test_locks_are_no_specs_whatever_specs_are_called(spec: Path) -> None:
    Path("net.nf.lock").unlink()
    spec.rename("net.spec")
    configure('include = ["*.spec*"]')
    assert run(["lock", "."]).code == 0
    assert run(["lock", "."]).code == 0
    assert [each.name for each in Path().glob("*.lock")] == ["net.spec.lock"]
    assert check_folder() == (0, [])


# --- parameters of the configuration ---


def test_configured_parameters_are_in_the_lock(spec: Path) -> None:
    configure('define = { width = "4 * 3", absent = 3 }')
    assert run(["lock", "net.nf"]).code == 0
    found = tomllib.loads(Path("net.nf.lock").read_text())
    assert found["configured"] == {"width": "4 * 3"}
    assert found["networks"]["net"]["input"] == [12]
    assert check()[0] == 0


@pytest.mark.parametrize(
    ("config", "options", "code"),
    [
        ("define.width = 12", [], 0),
        ("define.width = 13", [], 1),
        ("", [], 1),
        ("define.width = 12", ["--no-config"], 1),
        ("define.width = 13", ["-D", "width=12"], 0),
    ],
)
def test_other_configured_parameters_are_a_finding(
    spec: Path, config: str, options: list[str], code: int
) -> None:
    configure("define.width = 12")
    assert run(["lock", "net.nf"]).code == 0
    configure(config)
    found, document = check(*options)
    assert found == code
    if code:
        assert "width=12 of [tool.nfc.define]" in document["diagnostics"][0]["message"]  # type: ignore[index]


def test_a_parameter_without_use_is_a_finding_too(spec: Path) -> None:
    """What was elaborated with other parameters is not as locked, whether or not that shows in a layer."""
    spec.write_text(BASE + "param idle = 1\n")
    configure("define.idle = 2")
    assert run(["lock", "net.nf"]).code == 0
    configure("define.idle = 3")
    assert check()[0] == 1


def test_options_in_the_lock_win_over_the_configuration(spec: Path) -> None:
    configure("define.width = 12")
    assert run(["lock", "net.nf", "-D", "width=10"]).code == 0
    found = tomllib.loads(Path("net.nf.lock").read_text())
    assert (found["parameters"], "configured" in found) == ({"width": "10"}, False)
    assert check()[0] == 0
    configure("define.width = 11")
    assert check()[0] == 0
