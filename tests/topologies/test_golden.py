"""The same topology, sizes and seed give the same edges for ever: in this process, again, and in a fresh one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nfc.topologies import FAMILIES
from tests.topologies import golden

TABLE = Path(__file__).with_name("digests.txt").read_text()


def printed() -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in golden.drawn())


def test_both_draws_are_those_of_the_table() -> None:
    assert printed() == printed() == TABLE


def test_a_fresh_process_draws_the_same() -> None:
    command = [sys.executable, "-m", "tests.topologies.golden"]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout == TABLE


def test_every_family_is_in_the_table() -> None:
    missing = [name for name in FAMILIES if f"  {name}" not in TABLE]
    assert not missing
