"""`nfc search`: the table, the winner's file, going on from results, and a network's budget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import nfc
from nfc.search import evaluation
from nfc.search.measure import scores
from tests.cli.schemas import (
    BOOLEAN,
    DIAGNOSTICS,
    DIGEST,
    INTEGER,
    MAYBE_TEXT,
    NUMBER,
    TEXT,
    VERSION,
    array,
    record,
)
from tests.documents import INTERRUPTIBLE, ROOT, fresh
from tests.documents import nfc as run

PLACE = record(
    version=VERSION,
    ok=BOOLEAN,
    rows=INTEGER,
    cols=INTEGER,
    params=INTEGER,
    considered=INTEGER,
    admitted=INTEGER,
    results=array(
        record(
            topology=TEXT,
            params=INTEGER,
            density=NUMBER,
            depth=INTEGER,
            score=NUMBER,
            controllability=NUMBER,
            stderr=NUMBER,
            trainability=NUMBER,
            fan_in=INTEGER,
            connected={"type": ["boolean", "null"]},
            seconds=NUMBER,
            digest=DIGEST,
            leading=BOOLEAN,
        )
    ),
    winner=MAYBE_TEXT,
    diagnostics=DIAGNOSTICS,
)
DIVISION = record(
    version=VERSION,
    ok=BOOLEAN,
    network=TEXT,
    params=INTEGER,
    fixed=INTEGER,
    by={"enum": ["score", "uniform", "erdos_renyi"]},
    divisions=array(
        record(
            by=TEXT,
            params=INTEGER,
            score=NUMBER,
            layers=array(
                record(
                    layer=TEXT,
                    copies=INTEGER,
                    rows=INTEGER,
                    cols=INTEGER,
                    topology=TEXT,
                    params=INTEGER,
                    score=NUMBER,
                )
            ),
        )
    ),
    text=TEXT,
    diagnostics=DIAGNOSTICS,
)
SMALL = "search --in 16 --params 100 --jobs 1 --targets 1"
FEW = f"{SMALL} --family random --family butterfly --family lowrank"

TALL = """nf 1
network tall {  # a comment
    input 24
    linear 32
    relu
    repeat 2 { linear 32 via butterfly; relu; }
    head: linear 4
}
check tall { head.fan_in.max <= 32 }
"""


def document(command: str, schema: dict[str, Any] = PLACE) -> dict[str, Any]:
    done = run([*command.split(), "--format", "json"])
    assert done.code == 0, done.shown
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, schema)
    return found


def test_what_is_found_keeps_to_the_bounds_and_is_what_it_says() -> None:
    found = document(f"{SMALL} --out 12 --depth 2 --fan-in 7 --min-params 50 --time 0.01")
    assert found["results"]
    for each in found["results"]:
        fabric = nfc.topology(each["topology"], rows=12, cols=16)
        assert 50 <= each["params"] == fabric.edges <= 100
        assert each["depth"] == fabric.depth <= 2
        assert each["fan_in"] == fabric.fan_in.max <= 7
        assert each["seconds"] <= 0.01
        assert each["digest"] == fabric.digest
    by_score = [each["score"] - each["stderr"] / 3 for each in found["results"]]
    assert by_score == sorted(by_score, reverse=True)
    assert found["results"][0]["leading"]
    assert len({each["digest"] for each in found["results"]}) == len(by_score)


def test_a_budget_beyond_a_dense_layer_does_not_leave_that_out() -> None:
    done = run(["search", "--in", "8", "--out", "4", "--params", "10k", "--family", "dense", "--jobs", "1"])
    assert done.code == 0
    assert "linear 4 bias=false via dense" in done.out


def test_connected_on_demand() -> None:
    few = f"{FEW} --family expander"
    assert all(each["connected"] for each in document(f"{few} --connected")["results"])
    assert not all(each["connected"] for each in document(few)["results"])


def test_the_winner_passes_its_own_checks() -> None:
    done = run(f"{FEW} -o winner.nf".split())
    assert done.code == 0
    assert "wrote winner.nf" in done.out
    checked = run(["check", "winner.nf"])
    assert (checked.code, checked.err) == (0, "")
    assert "5 of 5 assertions hold" in checked.out
    found = document(FEW)
    assert found["winner"] == Path("winner.nf").read_text("utf-8")
    assert found["results"][0]["topology"] in found["winner"]
    assert found["winner"] in run(FEW.split()).out


def test_topologies_of_a_file_take_part_and_can_win() -> None:
    Path("mine.nf").write_text(
        "nf 1\ntopology found = random(fan_in=6, seed=1)\nmask ring(k=5)[o, i] = (o - i) % cols <= k\n"
        "topology open_(r) = butterfly(radix=r)\n",
        "utf-8",
    )
    command = f"{SMALL} --family lowrank --file mine.nf -o winner.nf"
    found = document(command)
    assert {"found", "ring"} < {each["topology"] for each in found["results"]}
    assert 'use "mine.nf"' in found["winner"]
    assert run(["check", "winner.nf"]).code == 0
    assert run([*command.split(), "-D", "k=3"]).code == 2
    Path("below").mkdir()
    assert "NF705" in run([*command.replace("winner.nf", "below/winner.nf").split()]).err


def test_a_topology_of_a_file_that_does_not_take_the_place_is_told() -> None:
    Path("mine.nf").write_text(
        "nf 1\ntopology five = radix_net(systems=[[5, 5]])\nmask none[o, i] = o > 99\n", "utf-8"
    )
    found = document(f"{SMALL} --family lowrank --file mine.nf")
    assert {each["severity"] for each in found["diagnostics"]} == {"warning"}
    told = [each["message"] for each in found["diagnostics"]]
    assert [message.partition(" does not take part")[0] for message in told] == ["`five`", "`none`"]


def test_nothing_keeps_to_the_bounds() -> None:
    found = document("search --in 16 --params 3 --jobs 1")
    assert (found["results"], found["winner"]) == ([], None)
    assert "0 within the bounds" in run("search --in 16 --params 3 --jobs 1".split()).out
    done = run("search --in 16 --params 3 --jobs 1 -o no.nf".split())
    assert done.code == 2
    assert "nothing to write" in done.err
    assert not Path("no.nf").exists()


def test_a_budget_above_dense_finds_dense() -> None:
    found = document("search --in 8 --params 10k --jobs 1 --targets 1 --family dense --family lowrank")
    assert found["results"][0]["topology"] == "dense"


def test_results_that_cannot_be_written_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "facts", None)
    assert "NF750" in run(f"{FEW} --results no/such.jsonl".split()).err
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "write-protected" in run(f"{FEW} --results new.jsonl".split()).err


def test_results_of_another_effort_are_refused_under_a_key() -> None:
    command = f"{SMALL} --family lowrank --results kept.jsonl"
    run(command.split())
    kept = Path("kept.jsonl")
    records = map(json.loads, kept.read_text("utf-8").splitlines())
    first_looks = [json.dumps({**each, "scores": {"score": 0.5}}) for each in records]
    kept.write_text("\n".join([*first_looks, ""]), "utf-8")
    done = run(command.split())
    assert (done.code, "NF756" in done.err) == (1, True)


def test_topologies_that_cost_too_much_are_not_called_out_of_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "scores", lambda subject, effort: None)
    done = run(f"{SMALL} --family lowrank -o none.nf".split())
    assert done.code == 2
    assert "cost too much to score" in done.err


def test_a_search_that_was_stopped_goes_on_and_ends_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    many = f"{FEW} --family expander --family n_of_m --family block"
    whole = document(many)
    calls: list[str] = []

    def counted(subject: Any, effort: Any) -> Any:
        calls.append(subject.topology)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return scores(subject, effort)

    monkeypatch.setattr(evaluation, "scores", counted)
    stopped = run(f"{many} --results kept.jsonl".split())
    assert stopped.code == 130
    assert "goes on from the results in kept.jsonl" in stopped.err
    kept = Path("kept.jsonl").read_bytes()
    assert kept.count(b"\n") == 4
    Path("kept.jsonl").write_bytes(kept + b'{"version": "ab')
    assert document(f"{many} --results kept.jsonl") == whole
    done = len(calls)
    assert document(f"{many} --results kept.jsonl") == whole
    assert len(calls) == done, "all was known"


def test_interrupted_without_results_says_how_to_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "facts", stop)
    done = run(SMALL.split())
    assert done.code == 130
    assert "--results FILE" in done.err


def test_processes_change_nothing() -> None:
    assert fresh(*FEW.replace("--jobs 1", "--jobs 2").split()) == fresh(*FEW.split())


def test_results_of_something_else_are_left_alone() -> None:
    done = run(f"{FEW} --results good.nf".split())
    assert done.code == 1
    assert "NF756" in done.err
    assert Path("good.nf").read_text("utf-8").startswith("nf 1")


def test_what_cannot_be_written_is_said_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "facts", None)
    for option in ("-o no/such.nf", "--plot no/such.svg"):
        assert "NF750" in run(f"{FEW} {option}".split()).err


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_drawings(suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = Path(f"found.{suffix}")
    assert run(f"{FEW} --plot {path}".split()).code == 0
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "html": b"<!DOCTYPE html>"}
    first = path.read_bytes()
    assert first.startswith(starts[suffix])
    assert suffix == "png" or b">weights<" in first
    run(f"{FEW} --plot {path}".split())
    assert path.read_bytes() == first


def test_a_network_s_budget_is_divided_and_the_rest_of_the_file_kept() -> None:
    Path("tall.nf").write_text(TALL, "utf-8")
    found = document("search tall.nf --params 1k --jobs 1 --family random --family dense -o new.nf", DIVISION)
    by = {each["by"]: each for each in found["divisions"]}
    assert list(by) == ["score", "uniform", "erdos_renyi"]
    assert by["score"]["params"] <= 1000
    assert all(by["score"]["score"] >= each["score"] for each in by.values() if each["params"] <= 1000)
    text = Path("new.nf").read_text("utf-8")
    assert text == found["text"]
    network = nfc.load("new.nf").network
    assert network.edges == by["score"]["params"]
    layers = {each["layer"]: each for each in by["score"]["layers"]}
    assert [layers[name]["copies"] for name in ("linear1", "repeat1.0.linear1", "head")] == [1, 2, 1]
    assert all(network[name].topology == each["topology"] for name, each in layers.items())
    assert [line.partition("#")[2] for line in text.splitlines()] == [
        line.partition("#")[2] for line in TALL.splitlines()
    ]
    assert text.splitlines()[-1] == TALL.splitlines()[-1]


def test_what_is_written_is_elaborated_with_the_configured_parameters() -> None:
    text = "nf 1\nparam n = 0\nlet half = 32 // n\nnetwork net { input 16; linear half; relu; linear 4 }\n"
    Path("net.nf").write_text(text, "utf-8")
    Path("pyproject.toml").write_text("[tool.nfc.define]\nn = 2\n", "utf-8")
    done = run("search net.nf --params 300 --jobs 1 --family random -o new.nf".split())
    Path("pyproject.toml").unlink()
    assert (done.code, done.err) == (0, "")
    assert nfc.load("new.nf", n=2).network.edges <= 300


def test_the_division_that_is_written_can_be_chosen() -> None:
    Path("tall.nf").write_text(TALL, "utf-8")
    command = "search tall.nf --params 1k --jobs 1 --family random --by uniform"
    found = document(command, DIVISION)
    uniform = next(each for each in found["divisions"] if each["by"] == "uniform")
    assert all(each["topology"] in found["text"] for each in uniform["layers"])
    shown = run(command.split()).out
    assert all(title in shown for title in ("by score", "uniform density", "Erdős–Rényi-kernel"))


@pytest.mark.parametrize(
    "command",
    [
        "search",
        "search --in 16",
        "search --params 100",
        "search --in 16 --params 0",
        "search --in 16 --params 100 --family butterflie",
        "search --in 16 --params 100 --min-params 200",
        "search --in 16 --params 100 --by uniform",
        "search --in 16 --params 100 --plot found.gif",
        "search --in 16 --params 100 -o -",
        "search --in 16 --params 100 -o found.nf --results ./found.nf",
        "search --in 16 --params 100 -o found.svg --plot found.svg",
        "search --in 16 --params 100 -o good.nf --file good.nf",
        "search --in 16 --params 100 --time -1",
        "search good.nf --params 100 --in 16",
        "search good.nf --params 100 --connected",
        "search good.nf --params 3 --jobs 1 --family random",
        "search several.nf --params 100",
    ],
)
def test_wrong_usage(command: str) -> None:
    assert run(command.split()).code == 2


def test_a_wrong_network_is_reported() -> None:
    done = run(["search", "wrong.nf", "--params", "1k", "--jobs", "1"])
    assert done.code == 1
    assert "butterflie" in done.err


def test_an_interrupt_ends_the_processes_too() -> None:
    command = [
        sys.executable,
        "-c",
        INTERRUPTIBLE,
        *SMALL.replace("--jobs 1", "--jobs 2").replace("16", "512").split(),
    ]
    command[command.index("100")] = "20k"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options: dict[str, Any] = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
    with subprocess.Popen([*command, "--results", "r.jsonl"], start_new_session=True, **options) as process:
        kept = Path("r.jsonl")
        while process.poll() is None and not (kept.exists() and len(kept.read_bytes().splitlines()) > 2):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"goes on" in err
    assert b"Traceback" not in err
