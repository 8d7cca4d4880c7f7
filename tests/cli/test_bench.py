"""`nfc bench`: what it prints and how it exits; how long anything takes is nowhere asserted."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nfc.bench import available, comparison, measure, roofline, runtimes
from nfc.cli import main, progress
from nfc.cli.progress import CLEAR
from tests.bench.schema import DOCUMENT
from tests.cli.test_startup import imported
from tests.documents import Run
from tests.documents import nfc as run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "MATRIX", 32)
    monkeypatch.setattr(roofline, "COPIED", 1000)
    monkeypatch.setattr(comparison, "PEAK_SECONDS", 1e-9)


def bench(*arguments: str, standard_input: str = "") -> Run:
    return run(["bench", *arguments, "--seconds", "1e-9"], standard_input)


def document(*arguments: str) -> dict[str, Any]:
    done = bench(*arguments, "--format", "json")
    assert done.err == ""
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, DOCUMENT)
    assert found["ok"] == (done.code == 0)
    return found


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    monkeypatch.setattr(available, "is_installed", lambda name: name not in missing)


def test_every_runtime_mode_and_batch_has_a_row() -> None:
    rows = document("good.nf", "--batch", "1,2k", "--threads", "2")["results"]
    assert [(row["runtime"], row["batch"], row["mode"]) for row in rows] == [
        ("torch", 1, "forward"),
        ("torch", 1, "forward+backward"),
        ("torch", 2000, "forward"),
        ("torch", 2000, "forward+backward"),
        ("onnxruntime", 1, "forward"),
        ("onnxruntime", 2000, "forward"),
    ]
    for row in rows:
        assert row["ratio"] == row["sparse"]["median"] / row["dense"]["median"]
        assert (row["network"], row["threads"]) == ("good", 2)
        edges, pairs = 3 * 16 + 24, 64 + 24
        forward = row["mode"] == "forward"
        assert row["roofline"]["sparse"]["flops"] == (2 if forward else 6) * edges * row["batch"]
        assert row["roofline"]["dense"]["flops"] == (2 if forward else 6) * pairs * row["batch"]


def test_one_runtime_alone() -> None:
    rows = document("good.nf", "--runtime", "onnxruntime")["results"]
    assert [(row["runtime"], row["batch"], row["threads"]) for row in rows] == [("onnxruntime", 64, 1)]


def test_all_networks_or_the_one_named() -> None:
    names = [row["network"] for row in document("several.nf", "--runtime", "onnxruntime")["results"]]
    assert names == ["one", "two"]
    rows = document("several.nf", "--runtime", "onnxruntime", "--network", "two")["results"]
    assert [row["network"] for row in rows] == ["two"]


def test_text_shows_a_table_for_each_network() -> None:
    done = bench("several.nf", "--runtime", "torch")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("against its dense twin") == 2
    assert done.out.count("forward+backward") == 2
    assert "1 thread of" in done.out


def test_parameters_and_standard_input() -> None:
    text = Path("good.nf").read_text("utf-8")
    done = bench("-", "-D", "width=16", "--runtime", "onnxruntime", "--format", "json", standard_input=text)
    (row,) = json.loads(done.out)["results"]
    assert row["roofline"]["dense"]["flops"] == 2 * (16 * 16 + 3 * 16) * 64


def test_the_seed_reaches_every_program(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    class Recorder(runtimes.TorchRuntime):
        def compile(self, network: Any, seed: int, batch: int) -> Any:
            seeds.append(seed)
            return super().compile(network, seed, batch)

    monkeypatch.setitem(runtimes.RUNTIMES, "torch", Recorder)
    assert bench("good.nf", "--runtime", "torch", "--seed", "7").code == 0
    assert seeds == [7, 7]


def test_a_missing_runtime_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch")
    found = document("good.nf")
    text = bench("good.nf")
    assert {row["runtime"] for row in found["results"]} == {"onnxruntime"}
    assert found["skipped"] == [{"network": None, "runtime": "torch", "reason": "it is not installed"}]
    assert (text.code, text.err) == (0, "")
    assert "torch is skipped: it is not installed" in text.out


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("torch", ["--runtime", "torch"]), ("onnxruntime", ["--runtime", "onnxruntime", "--runtime", "torch"])],
)
def test_a_missing_runtime_that_is_asked_for_is_an_error(
    missing: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, missing)
    found = document("good.nf", *arguments)
    assert [each["code"] for each in found["diagnostics"]] == ["NF630"]
    assert (found["results"], found["peak"]) == ([], None)
    done = bench("good.nf", *arguments)
    assert (done.code, done.out) == (1, "")
    assert missing in done.err


def test_without_any_runtime_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch", "onnxruntime")
    assert [each["code"] for each in document("good.nf")["diagnostics"]] == ["NF630", "NF630"]


def test_a_twin_that_one_runtime_cannot_hold_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "MODEL_LIMIT", 4 * (64 + 8 + 24 + 3))
    found = document("good.nf")
    assert {row["runtime"] for row in found["results"]} == {"torch"}
    (skipped,) = found["skipped"]
    assert (skipped["network"], skipped["runtime"]) == ("good", "onnxruntime")
    assert "good is not timed in onnxruntime: its dense twin" in bench("good.nf").out
    asked = document("good.nf", "--runtime", "onnxruntime")
    assert [each["code"] for each in asked["diagnostics"]] == ["NF630"]


def test_a_twin_that_nothing_can_hold_is_an_error() -> None:
    found = document("mnist.nf", "-D", "width=2**20")
    assert [each["code"] for each in found["diagnostics"]] == ["NF630"]
    assert "torch or onnxruntime" in found["diagnostics"][0]["message"]


def test_a_network_that_does_not_compile_leaves_no_results() -> None:
    text = "nf 1\n" + "topology a = diagonal\n"
    for name, inner in zip("bcdefghijklmnopqrstuv", "abcdefghijklmnopqrstu", strict=True):
        text += f"topology {name} = (({inner} + diagonal) >> diagonal)\n"
    text += "network deep { input 8; linear 8 via v }\n"
    done = bench("-", "--format", "json", standard_input=text)
    found = json.loads(done.out)
    assert (done.code, found["results"]) == (1, [])
    assert [each["code"] for each in found["diagnostics"]] == ["NF610"]


def test_warnings_of_the_network_are_told() -> None:
    done = bench("warning.nf", "--runtime", "onnxruntime")
    assert done.code == 0
    assert "warning[NF4" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["wrong.nf"], 1),
        (["missing.nf"], 1),
        (["empty.nf"], 2),
        (["several.nf", "--network", "three"], 2),
        (["good.nf", "--batch", "0"], 2),
        (["good.nf", "--batch", "1,,2"], 2),
        (["good.nf", "--batch", "many"], 2),
        (["good.nf", "--threads", "0"], 2),
        (["good.nf", "--seconds", "0"], 2),
        (["good.nf", "--seconds", "nan"], 2),
        (["good.nf", "--seconds", "inf"], 2),
        (["good.nf", "--runtime", "jax"], 2),
        ([], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    done = run(["bench", *arguments])
    assert done.code == code, done.shown
    assert done.out == ""
    assert "Traceback" not in done.err


def test_quiet_prints_no_table() -> None:
    assert bench("good.nf", "--quiet", "--runtime", "torch").shown == ""


def test_a_sign_of_life_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def slow(*arguments: object) -> list[measure.Result]:
        deadline = 1000
        while "timing good in torch" not in stream.getvalue() and deadline:
            time.sleep(0.01)
            deadline -= 1
        return []

    stream = Terminal()
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(comparison, "measure", slow)
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["bench", "good.nf", "--runtime", "torch", "--quiet"]) == 0
    assert "timing good in torch" in stream.getvalue()
    assert stream.getvalue().endswith(CLEAR)


def test_help_imports_no_runtime() -> None:
    assert imported("bench", "--help") == set()
