"""`nfc fmt`: what it writes, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import nfc.formatting.format
from nfc import load
from tests.documents import ROOT
from tests.documents import nfc as run

UGLY = "nf 1\nlet  a=1 # why\n"
NEAT = "nf 1\nlet a = 1  # why\n"
WRONG = "nf 1\nlet a = = 1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"ugly": UGLY, "neat": NEAT, "wrong": WRONG}.items():
        Path(f"{name}.nf").write_text(text, "utf-8")
    return tmp_path


def test_files_are_written_in_place() -> None:
    done = run(["fmt", "ugly.nf", "neat.nf"])
    assert (done.code, done.err) == (0, "")
    assert done.out == "reformatted ugly.nf\n1 file reformatted, 1 file unchanged\n"
    assert Path("ugly.nf").read_text("utf-8") == NEAT
    assert run(["fmt", "ugly.nf", "--check"]).code == 0


def test_a_neat_file_is_not_written() -> None:
    before = Path("neat.nf").stat().st_mtime_ns
    assert run(["fmt", "neat.nf"]).out == "1 file unchanged\n"
    assert Path("neat.nf").stat().st_mtime_ns == before


def test_check_writes_nothing_and_names_what_would_change() -> None:
    done = run(["fmt", "--check", "ugly.nf", "neat.nf"])
    assert done.code == 1
    assert done.out == "would reformat ugly.nf\n1 file would be reformatted, 1 file unchanged\n"
    assert Path("ugly.nf").read_text("utf-8") == UGLY


def test_a_diff_is_printed_and_nothing_written() -> None:
    done = run(["fmt", "--diff", "ugly.nf", "neat.nf"])
    assert (
        done.out == "--- ugly.nf\n+++ ugly.nf\n@@ -1,2 +1,2 @@\n nf 1\n-let  a=1 # why\n+let a = 1  # why\n"
    )
    assert done.code == 0
    assert run(["fmt", "--diff", "--check", "ugly.nf"]).code == 1
    assert Path("ugly.nf").read_text("utf-8") == UGLY


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@pytest.mark.parametrize("text", [UGLY, UGLY.rstrip("\n"), f"{UGLY}\n\n", "nf 1\nlet\ta=1"])
def test_a_diff_is_a_patch(text: str) -> None:
    Path("ugly.nf").write_text(text, "utf-8")
    patch = run(["fmt", "--diff", "ugly.nf"]).out
    subprocess.run(["patch", "-p0", "--quiet"], input=patch, text=True, check=True)
    assert run(["fmt", "--check", "ugly.nf"]).code == 0


def test_a_diff_sends_no_escapes_to_a_terminal() -> None:
    Path("ugly.nf").write_text("nf 1\nlet  a=1 # \x1b[31m\tred\n", "utf-8")
    out = run(["fmt", "--diff", "ugly.nf"]).out
    assert "\x1b" not in out
    assert "␛[31m\tred" in out


def test_a_file_with_errors_stays_and_others_are_formatted() -> None:
    done = run(["fmt", "wrong.nf", "ugly.nf"])
    assert done.code == 1
    assert "wrong.nf:2:9" in done.err
    assert Path("wrong.nf").read_text("utf-8") == WRONG
    assert Path("ugly.nf").read_text("utf-8") == NEAT


def test_standard_input_goes_to_standard_output() -> None:
    assert (run(["fmt", "-"], UGLY).out, run(["fmt", "-", "--quiet"], NEAT).out) == (NEAT, NEAT)
    wrong = run(["fmt", "-"], WRONG)
    assert (wrong.code, wrong.out) == (1, "")
    assert run(["fmt", "-", "--check"], UGLY).code == 1


def test_folders_and_patterns_stand_for_their_files() -> None:
    for name in ("nets/deep/b.nf", "nets/a.nf", "nets/.hidden/c.nf", "nets/other.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(UGLY, "utf-8")
    expected = ["would reformat nets/a.nf", "would reformat nets/deep/b.nf"]
    assert run(["fmt", "--check", "nets"]).out.splitlines()[:2] == expected
    assert run(["fmt", "--check", "nets/**/*.nf"]).out.splitlines()[:2] == expected
    assert run(["fmt", "--check", "nothing/*.nf"]).code == 1


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + NEAT.encode(), NEAT.replace("\n", "\r\n").encode()])
def test_line_ends_and_byte_order_marks_are_part_of_the_layout(data: bytes) -> None:
    Path("neat.nf").write_bytes(data)
    done = run(["fmt", "--check", "--diff", "neat.nf"])
    assert (done.code, "only line ends" in done.out) == (1, True)
    assert run(["fmt", "neat.nf"]).code == 0
    assert Path("neat.nf").read_bytes() == NEAT.encode()


def test_links_and_permissions_stay() -> None:
    Path("ugly.nf").chmod(0o640)
    Path("link.nf").symlink_to("ugly.nf")
    assert run(["fmt", "link.nf"]).code == 0
    assert Path("link.nf").is_symlink()
    assert Path("ugly.nf").read_text("utf-8") == NEAT
    assert stat.S_IMODE(Path("ugly.nf").stat().st_mode) == 0o640


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write any file")
def test_a_file_that_cannot_be_written_is_reported() -> None:
    Path("ugly.nf").chmod(0o444)
    done = run(["fmt", "ugly.nf"])
    assert (done.code, "NF750" in done.err) == (1, True)


def test_json_names_every_file() -> None:
    document = json.loads(run(["fmt", "--format", "json", "--check", "ugly.nf", "neat.nf", "wrong.nf"]).out)
    assert document["version"] == 1
    assert document["ok"] is False
    assert document["files"] == [{"file": "ugly.nf", "changed": True}, {"file": "neat.nf", "changed": False}]
    found = [(each["code"], each["file"], each["line"]) for each in document["diagnostics"]]
    assert found == [("NF100", "wrong.nf", 2), ("NF114", "ugly.nf", 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [(UGLY, 2), ("nf 1\n\n\n", 3), ("nf 1", 1), ("\nnf 1\n", 1), ("nf 1\r\n", None)],
)
def test_other_formats_annotate_the_first_line_that_would_change(text: str, line: int | None) -> None:
    Path("ugly.nf").write_bytes(text.encode())
    done = run(["fmt", "--format", "github", "--check", "ugly.nf"])
    assert done.code == 1
    assert done.out.startswith(
        f"::error file=ugly.nf,line={line}," if line else "::error file=ugly.nf,title="
    )
    assert "NF114" in done.out


def test_a_fault_leaves_the_file_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nfc.formatting.format, "lay_out", lambda *_: "nf 1\n")
    done = run(["fmt", "ugly.nf"])
    assert done.code == 2
    assert "internal fault" in done.err
    assert "`ugly.nf`" in done.err
    assert "the formatted text has another syntax tree; the file is left as it is" in done.err
    assert Path("ugly.nf").read_text("utf-8") == UGLY


def test_formatting_changes_no_digest() -> None:
    """Automatic seeds come from the places of calls, which are no places in the text."""
    for path in sorted(ROOT.glob("tests/corpus/*.nf")):
        shutil.copy(path, "net.nf")
        before = digests("net.nf")
        assert run(["fmt", "--line-length", "20", "net.nf"]).code == 0
        assert digests("net.nf") == before


def digests(file: str) -> list[str]:
    return [network.digest for network in load(file).networks.values()]


def test_the_examples_are_formatted() -> None:
    assert run(["fmt", "--check", str(ROOT / "examples"), str(ROOT / "tests" / "corpus")]).code == 0


def test_formatting_imports_no_numpy(folder: Path) -> None:
    script = (
        "import sys; from nfc.cli import main; main(['fmt', 'ugly.nf']); print(*sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    heavy = {"torch", "onnx", "onnxruntime", "scipy", "numpy", "rich", "safetensors", "networkx"}
    assert heavy & set(done.stderr.split()) == set()
