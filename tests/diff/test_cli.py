"""`nfc diff` as people and services see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_startup import imported
from tests.documents import nfc as run

OLD = """\
nf 1
network net {
    input 8
    linear 8 via random(fan_in=3, seed=1)
    relu
    head: linear 3
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.nf").write_text(OLD)
    return tmp_path


def test_text_names_edges_totals_and_checkpoints() -> None:
    Path("new.nf").write_text(OLD.replace("fan_in=3", "fan_in=8"))
    done = run(["diff", "old.nf", "new.nf"])
    assert done.code == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0] == "net: changed"
    assert lines[1] == "  ! LAYER_REWIRED      `linear1` has other edges: 40 added, 0 removed"
    assert lines[2].startswith("      +40 edges: ")
    assert "params 59 → 99 (+40), edges 48 → 88 (+40), flops 96 → 176 (+80), depth 2, density" in lines[3]
    assert lines[4] == "    checkpoints do not load; 3 of 4 tensors keep their meaning"


def test_equal_networks_are_one_line() -> None:
    Path("new.nf").write_text(f"# the same\n{OLD}")
    assert run(["diff", "old.nf", "new.nf"]).out == "net: unchanged\n"


def test_only_breaking_changes_fail() -> None:
    Path("new.nf").write_text(OLD.replace("linear 3", "linear 3 init=xavier"))
    assert run(["diff", "old.nf", "new.nf", "--breaking"]).code == 0
    Path("new.nf").write_text(OLD.replace("linear 3", "linear 4"))
    assert run(["diff", "old.nf", "new.nf"]).code == 0
    done = run(["diff", "old.nf", "new.nf", "--breaking", "-q"])
    assert done.code == 1
    assert done.out == ""
    assert "error[NF511]: the output of `net` is [4], was [3]" in done.err
    assert "new.nf:6:5" in done.err


def test_a_comment_keeps_a_finding_back_and_is_not_idle_in_check() -> None:
    head = "head: linear 3 bias=false   # nfc: ignore[NF510]"
    Path("new.nf").write_text(OLD.replace("head: linear 3", head))
    assert run(["diff", "old.nf", "new.nf", "--breaking"]).code == 0
    assert run(["check", "new.nf"]).err == ""


def test_standard_input_and_other_formats() -> None:
    done = run(["diff", "old.nf", "-", "--breaking", "--format", "github"], OLD.replace("seed=1", "seed=2"))
    assert done.code == 1
    assert "::error" in done.out
    assert "NF510" in done.out
    assert run(["diff", "old.nf", "-", "--format", "json"], OLD).code == 0


def test_an_unknown_network_is_misuse() -> None:
    done = run(["diff", "old.nf", "old.nf", "--network", "nett"])
    assert done.code == 2
    assert "did you mean `net`?" in done.err


@pytest.mark.parametrize("verb", [["diff"], ["lock"], ["lock", "--check"]])
def test_no_backend_is_imported(verb: list[str]) -> None:
    files = [str(Path("old.nf").resolve())] * (2 if verb == ["diff"] else 1)
    run(["lock", files[0]])
    assert imported(*verb, *files) <= {"numpy", "lark"}
