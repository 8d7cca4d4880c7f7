"""What shells are offered, asked as they ask: through click's variables, and by bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nfc.cli.verbs import VERBS
from nfc.codes import codes
from nfc.search.generators import GENERATORS
from nfc.sema.predefined import topology_names
from tests.documents import ROOT

LISTED = "import sys; from nfc.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
MNIST = ROOT / "examples" / "mnist.nf"
HEAVY = {"torch", "onnx", "onnxruntime", "scipy", "numpy", "rich", "safetensors", "networkx"}


def ask(words: str, shell: str = "bash") -> subprocess.CompletedProcess[str]:
    """What `nfc` answers on a completion of the last of some words."""
    variables = {
        "_NFC_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", LISTED]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("nfc ", {f"plain,{verb}" for verb in VERBS}),
        ("nfc fm", {"plain,fmt"}),
        ("nfc explain nf50", {f"plain,{code}" for code in codes() if code.startswith("NF50")}),
        ("nfc check mn", {"file,mn"}),
        ("nfc fmt mn", {"file,mn"}),
        ("nfc check --format s", {"plain,sarif"}),
        ("nfc fmt --dif", {"plain,--diff"}),
        ("nfc score hyper", {"plain,hypercube"}),
        ("nfc score 'parallel(2,butt", {"plain,parallel(2,butterfly"}),
        ("nfc score dense >>per", {"plain,>>permute"}),
        ("nfc score ", {f"plain,{name}" for name in topology_names()}),
        ("nfc score band(width=4", set()),
        (f"nfc score --file {MNIST} mi", {"plain,mixer"}),
        ("nfc score --file mn", {"file,mn"}),
        ("nfc score --file absent.nf ben", {"plain,benes"}),
        ("nfc search --family ", {f"plain,{name}" for name in GENERATORS}),
        (
            "nfc search --in 16 --family b",
            {f"plain,{name}" for name in ("block", "band", "bernoulli", "butterfly", "benes")},
        ),
        ("nfc search --family benes --params 1k --family bu", {"plain,butterfly"}),
        ("nfc search --family diag", set()),
        ("nfc nothing", set()),
        ("nfc nothing at all", set()),
    ],
)
def test_offers(words: str, offered: set[str]) -> None:
    done = ask(words)
    assert set(done.stdout.split()) == offered, done.stderr
    assert HEAVY & set(done.stderr.split()) == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(tmp_path: Path) -> None:
    tool = tmp_path / "nfc"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nfc "$@"\n', "utf-8")
    tool.chmod(0o755)
    script = (
        'eval "$(_NFC_COMPLETE=bash_source nfc)"\n'
        "COMP_WORDS=(nfc ex) COMP_CWORD=1\n_nfc_completion nfc ex nfc\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    command = ["bash", "--norc", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["explain"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    variables = {"_NFC_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nfc"]
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert f"_NFC_COMPLETE={shell}_complete" in done.stdout
