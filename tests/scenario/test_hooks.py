"""The hooks for pre-commit, run by pre-commit in a scratch repository."""

from __future__ import annotations

import sys

import pytest
import yaml

from nfc.cli.verbs import VERBS
from tests.documents import ROOT
from tests.scenario.conftest import Repository

PRE_COMMIT = (sys.executable, "-m", "pre_commit")


def test_the_hooks_are_well_formed() -> None:
    from pre_commit.clientlib import load_manifest

    hooks = load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))
    assert [hook["id"] for hook in hooks] == ["nfc-check", "nfc-fmt", "nfc-lock"]
    assert {hook["language"] for hook in hooks} == {"python"}
    for hook in hooks:
        command, verb, *_ = hook["entry"].split()
        assert (command, verb in VERBS) == ("nfc", True)


def test_hooks_pass_then_fail_and_mend(repository: Repository) -> None:
    green = repository.run(*PRE_COMMIT, "run", "--all-files")
    assert green.returncode == 0, green.stdout + green.stderr
    assert green.stdout.count("Passed") == 3
    repository.edit("net.nf", "via mixer(8)", "via   block(size=8)")
    red = repository.run(*PRE_COMMIT, "run", "--all-files")
    assert red.returncode == 1
    assert "error[NF501]: `far.connected` does not hold" in red.stdout
    assert "error[NF512]: not as locked: `far`" in red.stdout
    assert "files were modified by this hook" in red.stdout
    assert "via block(size=8)" in (repository.path / "net.nf").read_text("utf-8")


def test_a_commit_of_other_files_runs_no_hook(repository: Repository) -> None:
    (repository.path / "notes.txt").write_text("words\n", "utf-8")
    repository.run("git", "add", "notes.txt")
    done = repository.run(*PRE_COMMIT, "run")
    assert done.returncode == 0
    assert done.stdout.count("Skipped") == 3


@pytest.mark.parametrize("path", [".pre-commit-hooks.yaml", "action.yml"])
def test_files_are_yaml(path: str) -> None:
    assert yaml.safe_load((ROOT / path).read_text("utf-8"))
