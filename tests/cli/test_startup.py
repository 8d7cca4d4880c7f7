"""What verbs import: light verbs must not pay for heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT

MNIST = str(ROOT / "examples" / "mnist.nf")
HEAVY = {"torch", "onnx", "onnxruntime", "scipy", "numpy", "lark", "rich", "safetensors", "networkx"}


def imported(*arguments: str) -> set[str]:
    """The heavy libraries that are loaded once a fresh process has run `nfc ARGUMENTS`."""
    script = "import sys; from nfc.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [["explain", "NF101"], ["--help"], ["--version"], ["chekc"], ["check", "--help"]]
)
def test_what_needs_no_network_imports_click_alone(arguments: list[str]) -> None:
    assert imported(*arguments) == set()


def test_check_imports_no_backend() -> None:
    assert imported("check", MNIST) <= {"numpy", "lark"}


def test_compiling_to_torch_imports_no_torch(tmp_path: Path) -> None:
    assert not imported("compile", MNIST, "--to", "torch", "-o", str(tmp_path / "mnist.py")) & {
        "torch",
        "onnx",
    }


def test_import_nfc_is_light() -> None:
    script = "import sys, nfc; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
