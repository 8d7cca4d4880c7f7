"""The same input gives the same bytes: in another process, folder and order of hashing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent / "corpus"


def compile_in(folder: Path, stem: str, target: str, hash_seed: str) -> dict[str, bytes]:
    """The files that a fresh process writes into `folder`, by name."""
    folder.mkdir()
    (folder / f"{stem}.nf").write_bytes((CORPUS / f"{stem}.nf").read_bytes())
    subprocess.run(
        [sys.executable, "-m", "nfc", "compile", f"{stem}.nf", "--to", target, "--seed", "3"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".nf"}


@pytest.mark.parametrize("target", ["torch", "onnx"])
@pytest.mark.parametrize("stem", ["algebra", "initialised", "fitted"])
def test_two_processes_write_the_same_bytes(tmp_path: Path, stem: str, target: str) -> None:
    first = compile_in(tmp_path / "first", stem, target, "0")
    second = compile_in(tmp_path / "second folder", stem, target, "4242")
    assert first
    assert first == second
