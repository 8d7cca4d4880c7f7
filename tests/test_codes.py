"""The catalogue of codes: complete, well formed, and true."""

from __future__ import annotations

import json
import re
from contextlib import chdir
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from nfc import load
from nfc.codes import codes, page, title
from tests.documents import ROOT, Block, Run, blocks, console, nfc
from tests.lock_files import write_wrong_locks
from tests.matrices.files import write_wrong_matrices
from tests.settings.files import write_wrong_settings
from tests.weight_files import write_misfits

WIDEST = 110


def source_codes() -> set[str]:
    """Every code that nfc's source names outside docstrings and comments: as a whole string literal."""
    sources = (path.read_text("utf-8") for path in (ROOT / "nfc").rglob("*.py"))
    return {code for source in sources for code in re.findall(r"""["'](NF\d{3})["']""", source)}


def examples(code: str) -> list[Block]:
    return [block for block in blocks(page(code)) if block.language in ("nf", "console")]


def spec_codes() -> list[str]:
    return [code for code in codes() if [block.language for block in examples(code)] == ["nf", "nf"]]


def command_codes() -> list[str]:
    return [code for code in codes() if code not in spec_codes()]


def reported(run: Run) -> set[str]:
    return {each["code"] for each in json.loads(run.out)["diagnostics"]}


def run_spec(text: str, folder: Path) -> set[str]:
    """The codes that a file gives when it is checked and, if that finds nothing, compiled for both targets."""
    (folder / "example.nf").write_text(text, "utf-8")
    with chdir(folder):
        found = reported(nfc(["check", "example.nf", "--format", "json"]))
        for target in ("torch", "onnx"):
            if found or "network " not in text:
                break
            found |= reported(nfc(["compile", "example.nf", "--to", target, "--format", "json"]))
    return found


def test_there_are_pages() -> None:
    assert len(codes()) > 20


@pytest.mark.parametrize("code", codes())
def test_a_page_has_its_parts(code: str) -> None:
    text = page(code)
    assert re.match(rf"# {code}: [^A-Z\n][^\n]*[^.\n]\n\n[^#\s]", text), "a lower-case title, then prose"
    assert text.endswith("\n")
    languages = [block.language for block in blocks(text)]
    if "nf" in languages:
        assert languages == ["nf", "nf"]
        assert re.findall(r"^## .*", text, re.M) == ["## Example", "## Instead"]
        assert all(
            block.text.startswith("nf 1\n") or code == "NF101" or "nf" in block.text for block in blocks(text)
        )
    else:
        assert "console" in languages
    assert not re.search(r"\byou(r|rs)?\b", text, re.I)


@pytest.mark.parametrize("code", spec_codes())
def test_an_example_gives_its_code_and_the_mended_file_none(code: str, tmp_path: Path) -> None:
    wrong, right = examples(code)
    assert run_spec(wrong.text, tmp_path) == {code}
    assert run_spec(right.text, tmp_path) == set()


@pytest.mark.parametrize("code", command_codes())
def test_a_command_gives_its_code(code: str, tmp_path: Path) -> None:
    (tmp_path / "mnist.nf").write_text((ROOT / "examples" / "mnist.nf").read_text("utf-8"), "utf-8")
    write_misfits(tmp_path, load(tmp_path / "mnist.nf")["mnist"].ir)
    write_wrong_matrices(tmp_path)
    write_wrong_locks(tmp_path)
    write_wrong_settings(tmp_path)
    shown = [command for block in examples(code) for command, _ in console(block.text)]
    with chdir(tmp_path):
        runs = [nfc(words[1:]) for words in shown if words[0] == "nfc"]
    assert any(f"[{code}]" in run.shown for run in runs)


def test_every_code_in_the_source_has_a_page_and_every_page_a_use() -> None:
    assert source_codes() == set(codes())


@pytest.mark.parametrize("code", spec_codes())
def test_rendered(code: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    (tmp_path / "example.nf").write_text(examples(code)[0].text, "utf-8")
    with chdir(tmp_path):
        run = nfc(["check", "example.nf"])
        if not run.err:
            run = nfc(["compile", "example.nf", "--to", "onnx"])
    assert run.err == snapshot


def test_titles_are_unique() -> None:
    titles = [title(code) for code in codes()]
    assert len(set(titles)) == len(titles)


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        page("NF000")
