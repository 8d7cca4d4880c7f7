"""Every block of the documents is true: files compile, commands print what they show, Python runs.

```nf         a complete file that is well, or with `# error: NFxxx` in it one that gives that code
```nf title="name.nf"   the same, and the file is there for the blocks after it
```console    commands after `$ `, and what they print, `…` standing for anything; without output they have to succeed
```python     runs; blocks of a document share their names

Documents are read in a folder that holds the examples, `mnist.nf`, and `mnist.py` compiled from it.
"""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import chdir
from pathlib import Path

import pytest
import torch

from tests.documents import ROOT, Block, blocks, console, nfc, resembles

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {"make", "pip", "git", "python", "cd"}
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("data"))
    shutil.copy(ROOT / "examples" / "mnist.nf", tmp_path)
    with chdir(tmp_path):
        assert nfc(["compile", "mnist.nf", "--to", "torch"]).code == 0
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "mnist", None)  # type: ignore[arg-type]  # dropped again afterwards
    del sys.modules["mnist"]
    return tmp_path


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_blocks(path: Path, folder: Path) -> None:
    names: dict[str, object] = {"__name__": "__main__", "images": torch.zeros(2, 28, 28)}
    with chdir(folder):
        for block in blocks(path.read_text("utf-8")):
            place = f"{path.name}:{block.line}"
            match block.language:
                case "nf":
                    check_file(block, place)
                case "console":
                    check_commands(block, place)
                case "python":
                    exec(compile("\n" * block.line + block.text, path.name, "exec"), names)


def check_file(block: Block, place: str) -> None:
    name = block.title or "block.nf"
    Path(name).write_text(block.text, "utf-8")
    found = set(re.findall(r"error\[(NF\d{3})\]", nfc(["check", name]).err))
    announced = set(re.findall(r"# error: (NF\d{3})", block.text))
    assert found == announced, place


def check_commands(block: Block, place: str) -> None:
    for words, output in console(block.text):
        if words[0] in NOT_RUN:
            continue
        assert words[0] == "nfc", f"{place}: {words[0]}"
        done = nfc(words[1:])
        told = f"{place}: $ {' '.join(words)}\n{done.shown}"
        assert resembles(output, done.shown) if output.strip() else done.code == 0, told


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    missing = [link for link in LINK.findall(path.read_text("utf-8")) if not (path.parent / link).exists()]
    assert missing == []


def test_the_index_leads_to_every_document() -> None:
    linked = set(LINK.findall((ROOT / "docs" / "index.md").read_text("utf-8")))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked


def test_every_verb_and_option_is_documented() -> None:
    from nfc.cli.verbs import VERBS

    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for verb in VERBS:
        options = set(re.findall(r"(--[a-z][a-z-]+)", nfc([verb, "--help"]).out)) - {"--help"}
        limits = {option for option in options if option.startswith("--max-")}
        assert f"nfc {verb}" in text
        assert [option for option in sorted(options - limits) if f"`{option}" not in text] == []


def test_every_public_name_is_documented() -> None:
    import nfc as package

    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert [name for name in package.__all__ if name not in text] == []
