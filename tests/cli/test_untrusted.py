"""Files whose names and texts try to act on terminals, CI services and readers of documents."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.documents import nfc
from tests.render.test_formats import UNSAFE, commands
from tests.render.validation import valid_junit, valid_sarif

TEXTS = (
    "\x1b[31m", "::error::x", "a\n::set-output name=x::y", "a\r::stop-commands::t", "##[set-env name=A]b",
    "##vso[task.complete]", "%0A::error::", "]]>", "<x a='&'>", "\u202ebad", "\u2028::error::x", "\udcff\udc80",
)  # fmt: skip
SPEC = (
    'nf 1\nnetwork n {{ input 9; linear 4 via diagonal }} # {0}\ncheck n {{\n    params <= 4 as "{0}" # {0}\n'
    "    params <= 4  # nfc: ignore[{0}]\n    {0}\n}}\n"
)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("format", ["text", "json", "github", "sarif", "junit"])
def test_no_text_of_a_file_leaves_its_place(text: str, format: str) -> None:
    spec = SPEC.format(text)
    if "\udcff" not in text:
        Path("inside.nf").write_bytes(spec.encode())
    name = f"{text.replace('/', '_')}.nf"
    Path(name).write_bytes(spec.encode("utf-8", "surrogateescape"))
    Path("folder").mkdir()
    Path(f"folder/{name}").write_bytes(SPEC.format("well").encode())
    used = 'nf 1\nuse "{}"\nnetwork m {{ input 3; linear 3 }}\ncheck m {{ params < 1 as "no" }}\n'
    Path("uses.nf").write_bytes(used.format(text).encode("utf-8", "surrogateescape"))
    arguments = ["check", "inside.nf", f"./{name}", name, "folder", "uses.nf", f"gone{text}.nf", f"{text}*"]
    done = nfc([*arguments, "--format", format, "--jobs", "1"])
    assert done.code == (0 if format == "sarif" else 1)
    assert not UNSAFE.search(done.shown)
    assert set(commands(done.shown)) <= ({"error", "warning"} if format == "github" else set())
    match format:
        case "json":
            json.loads(done.out)
        case "sarif":
            valid_sarif(done.out)
        case "junit":
            valid_junit(done.out)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_no_option_leaves_its_place(text: str) -> None:
    for options in (["--network", text], ["-D", text], ["--config", text], ["--max-edges", text], [text]):
        done = nfc(["check", "good.nf", *options])
        assert done.code in (1, 2)
        assert not UNSAFE.search(done.shown)
        assert commands(done.shown) == []


@pytest.mark.parametrize("text", [text for text in TEXTS if "\udcff" not in text], ids=ascii)
def test_no_configuration_leaves_its_place(text: str) -> None:
    quoted = json.dumps(text, ensure_ascii=True)
    Path("pyproject.toml").write_text(
        f"[tool.nfc]\nformat = {quoted}\nignore = [{quoted}]\n{quoted} = 1\n", "utf-8"
    )
    done = nfc(["check", "good.nf"])
    assert done.code == 2
    assert not UNSAFE.search(done.shown)
    assert commands(done.shown) == []


def test_names_with_a_nul_are_refused() -> None:
    for format in ("text", "sarif", "junit", "github"):
        done = nfc(["check", "a\0b.nf", "a\0*", "--format", format])
        assert "NF702" in done.shown
        assert "\0" not in done.shown


def test_documents_name_no_machine(tmp_path: Path) -> None:
    for format in ("github", "sarif", "junit"):
        done = nfc(["check", str(tmp_path / "failing.nf"), "--format", format])
        assert "failing.nf" in done.out
        assert str(tmp_path.parent) not in done.out.replace(f"cannot read `{tmp_path}", "")


def test_paths_start_at_the_repository_in_github_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    os.replace("failing.nf", "inner/failing.nf")  # noqa: PTH105
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "inner")
    assert nfc(["check", "failing.nf", "--format", "github"]).out.startswith(
        "::error file=inner/failing.nf,line=7,"
    )
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert nfc(["check", "failing.nf", "--format", "github"]).out.startswith(
        "::error file=failing.nf,line=7,"
    )
