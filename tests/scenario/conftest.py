"""A scratch repository: a spec that uses another file, its lock, hooks, and pytest, all green and committed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.documents import ROOT
from tests.documents import nfc as run

BLOCKS = """\
nf 1

mask ring(k)[o] = { (o + step) % cols for step in -k..k }
"""

NET = """\
nf 1

use "blocks.nf"

param width = 64

topology mixer(r) = parallel(2, butterfly(radix=r))

network net {
    input 32
    pad width
    near: linear width via ring(2)
    relu
    far: linear width via mixer(8)
    relu
    some: linear width via random(fan_in=6, seed=1)
    head: linear 10
}

check net {
    params <= 4k as "the device has 16 KB"
    depth <= 5
    each linear { fan_in.min >= 5; fan_out.max <= 64 }
    far.connected
    head.density == 100%
}
"""


@dataclass(frozen=True)
class Repository:
    """A repository, in which commands are run that find this checkout's `nfc`."""

    path: Path
    environment: dict[str, str]

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        return subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace what stands in a file once."""
        path = self.path / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), "utf-8")


def local_hooks() -> str:
    """The hooks of `.pre-commit-hooks.yaml` for this checkout's `nfc`, which needs no environment of its own."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    local = [{**hook, "language": "system"} for hook in hooks]
    return yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    folder, tools = tmp_path / "repository", tmp_path / "bin"
    folder.mkdir()
    tools.mkdir()
    command = tools / "nfc"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nfc "$@"\n', "utf-8")
    command.chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))
    }
    environment |= {
        "PATH": f"{tools}{os.pathsep}{environment['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    made = Repository(folder, environment)
    for name, text in {"net.nf": NET, "blocks.nf": BLOCKS, ".pre-commit-config.yaml": local_hooks()}.items():
        (folder / name).write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    assert run(["lock", "net.nf"]).code == 0
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "A network")):
        done = made.run("git", *words)
        assert done.returncode == 0, done.stderr
    return made
