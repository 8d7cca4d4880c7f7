"""`git:REV:path` in scratch repositories: what is read, what is refused, and that nothing of a repository runs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import nfc.revision
from tests.documents import Run
from tests.documents import nfc as run

TEXT = """\
nf 1
use "parts/blocks.nf"
network net {
    input 8
    wide: linear 8 via ring
    head: linear 4 via file("parts/head.npy")
}
"""
BLOCKS = "nf 1\nmask ring[o, i] = (o - i) % 8 <= 1\n"


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose first commit, tagged `first`, holds TEXT and what it uses in `nets/`."""
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "nets" / "parts").mkdir(parents=True)
    (tmp_path / "nets" / "net.nf").write_text(TEXT)
    (tmp_path / "nets" / "parts" / "blocks.nf").write_text(BLOCKS)
    np.save(tmp_path / "nets" / "parts" / "head.npy", np.ones((4, 8), bool))
    git("init", "-q", "-b", "main", ".")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    git("tag", "first")
    return tmp_path


def codes(done: Run) -> list[str]:
    return [each["code"] for each in json.loads(done.out)["diagnostics"]]


def rules(done: Run) -> list[str]:
    return [change["rule"] for network in json.loads(done.out)["networks"] for change in network["changes"]]


def test_a_file_and_all_that_it_uses_come_from_the_revision(repository: Path) -> None:
    (repository / "nets" / "parts" / "blocks.nf").write_text(BLOCKS.replace("<= 1", "<= 2"))
    matrix = np.ones((4, 8), bool)
    matrix[0, 0] = False
    np.save(repository / "nets" / "parts" / "head.npy", matrix)
    done = run(["diff", "git:first:nets/net.nf", "nets/net.nf", "--format", "json"])
    assert rules(done) == ["LAYER_REWIRED", "LAYER_REWIRED"]
    wide, head = (change["edges"] for change in json.loads(done.out)["networks"][0]["changes"])
    assert (wide["added"], wide["removed"]) == (8, 0)
    assert head["first_removed"] == [{"factor": "", "output": 0, "input": 0}]
    git("commit", "-qam", "second")
    assert rules(run(["diff", "git:main:nets/net.nf", "nets/net.nf", "--format", "json"])) == []
    assert len(rules(run(["diff", "git:first:nets/net.nf", "git:HEAD:nets/net.nf", "--format", "json"]))) == 2


def test_paths_start_at_the_top_or_with_a_dot_here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "nets")
    for name in ("git:main:nets/net.nf", "git:main:./net.nf", "git:main^{tree}:../nets/./net.nf"):
        assert run(["diff", name, "net.nf"]).code == 0, name


def test_findings_name_the_revision(repository: Path) -> None:
    (repository / "new.nf").write_text("nf 1\nnetwork other { input 3; linear 2 }\n")
    done = run(["diff", "--breaking", "git:main:nets/net.nf", "new.nf", "--format", "json"])
    assert done.code == 1
    assert [(each["code"], each["file"]) for each in json.loads(done.out)["diagnostics"]] == [
        ("NF511", "git:main:nets/net.nf")
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("git:nowhere:nets/net.nf", "NF723"),
        ("git:main:missing.nf", "NF702"),
        ("git:main:nets", "NF702"),
        ("git:main:../outside.nf", "NF702"),
        ("git:main", "NF723"),
        ("git::nets/net.nf", "NF723"),
        ("git:main:", "NF723"),
        ("git:--help:nets/net.nf", "NF723"),
        ("git:--output=stolen:nets/net.nf", "NF723"),
        ("git:main:--help", "NF723"),
        ("git:main:nets/net.nf\0", "NF723"),
        ("git:main\n:nets/net.nf", "NF723"),
        ("git:main:*.nf", "NF702"),
        ("git:main::(glob)nets/*.nf", "NF702"),
    ],
)
def test_what_is_refused(repository: Path, name: str, code: str) -> None:
    before = sorted(repository.rglob("*"))
    done = run(["diff", name, "nets/net.nf", "--format", "json"])
    assert (done.code, codes(done)) == (1, [code])
    assert sorted(repository.rglob("*")) == before


def test_a_used_file_stays_in_the_folder_and_links_are_not_followed(repository: Path) -> None:
    (repository / "outer.nf").write_text("nf 1\n")
    (repository / "nets" / "out.nf").write_text('nf 1\nuse "../outer.nf"\n')
    (repository / "nets" / "link.nf").symlink_to("net.nf")
    (repository / "nets" / "lost.nf").write_text('nf 1\nuse "gone.nf"\n')
    git("add", ".")
    git("commit", "-qm", "more")
    for name, code in (("out.nf", "NF705"), ("link.nf", "NF702"), ("lost.nf", "NF702")):
        done = run(["diff", f"git:main:nets/{name}", "nets/net.nf", "--format", "json"])
        assert (done.code, codes(done)) == (1, [code]), name


def test_nothing_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    """Filters, text conversion, external diffs, file-system monitors, pagers and hooks all leave a mark."""
    mark = f"touch {tmp_path / 'mark'}; cat"
    for key in (
        "filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv",
        "diff.evil.command", "diff.external", "core.fsmonitor", "core.pager", "pager.cat-file",
        "core.sshCommand", "alias.cat-file", "alias.rev-parse",
    ):  # fmt: skip
        git("config", key, f"!{mark}" if key.startswith("alias") else mark)
    (repository / ".git" / "info" / "attributes").write_text("* filter=evil diff=evil\n")
    hooks = repository / ".git" / "hooks"
    for hook in ("post-checkout", "post-index-change", "pre-commit", "reference-transaction"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {tmp_path / 'mark'}\n")
        (hooks / hook).chmod(0o755)
    done = run(["diff", "git:main:nets/net.nf", "nets/net.nf", "--format", "json"])
    assert (done.code, rules(done)) == (0, [])
    assert not (tmp_path / "mark").exists()


def test_without_git_or_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = run(["diff", "git:main:net.nf", "git:main:net.nf"])
    assert done.code == 1
    assert "not a git repository" in done.err
    monkeypatch.setattr(nfc.revision.shutil, "which", lambda _: None)
    done = run(["diff", "git:main:net.nf", "git:main:net.nf"])
    assert "git is not installed" in done.err


def test_both_sides_may_have_errors(repository: Path) -> None:
    (repository / "wrong.nf").write_text("nf 1\nnetwork net { input 3; lienar 2 }\n")
    done = run(["diff", "wrong.nf", "missing.nf", "--format", "json"])
    assert done.code == 1
    assert codes(done) == ["NF207", "NF702"]


def test_the_text_of_both_files_injects_nothing(repository: Path) -> None:
    """Control characters in names of files are shown, not sent."""
    done = run(["diff", "git:main:\x1b[31m.nf", "nets/net.nf"])
    assert "\x1b" not in done.err
