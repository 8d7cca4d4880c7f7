from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from nfc.bench.machine import Machine
from nfc.bench.measure import Result, Side
from nfc.bench.records import machine_record, peak_record, result_record
from nfc.bench.roofline import Peak
from nfc.bench.timing import Timing
from nfc.render.bench import render_bench, times
from tests.bench.schema import DOCUMENT

MACHINE = Machine(
    processor="Abacus 3000",
    cores=8,
    memory=64 * 2**30,
    system="Linux x86_64",
    python="3.12.1",
    numpy="2.1.0",
    torch=None,
    onnxruntime="1.20.0",
)


def side(median: float, least: float) -> Side:
    timing = Timing(median=median, q1=0.9 * median, q3=1.25 * median, least=0.5 * median, count=17)
    return Side(timing=timing, flops=10**9, bytes=10**6, least=least)


def result(network: str, mode: str, batch: int, sparse: float, predicted: float | None = None) -> Result:
    return Result(
        network=network,
        runtime="torch",
        mode=mode,
        batch=batch,
        threads=2,
        sparse=side(sparse, sparse / 4),
        dense=side(1e-3, 8e-4),
        predicted=predicted,
    )


def document(*results: Result) -> dict[str, Any]:
    return {
        "ok": True,
        "machine": machine_record(MACHINE),
        "peak": peak_record(Peak(flops=1.235e11, bandwidth=2.5e10)),
        "results": [result_record(each) for each in results],
        "skipped": [
            {"network": None, "runtime": "onnxruntime", "reason": "it is not installed"},
            {"network": "ol\x1bd", "runtime": "torch", "reason": "it is too large"},
        ],
    }


WHOLE = document(
    result("mixer", "forward", 1, 4.5e-7, 0.25),
    result("mixer", "forward+backward", 1024, 0.1234, None),
    result("bare", "forward", 64, 9.996e-6),
)


def test_text(snapshot: SnapshotAssertion) -> None:
    assert render_bench(WHOLE, 120) == snapshot


def test_a_narrow_terminal_loses_nothing() -> None:
    wide, narrow = (render_bench(WHOLE, columns).split() for columns in (120, 70))
    assert sorted("".join(wide)) == sorted("".join(narrow))


def test_nothing_is_shown_of_no_results() -> None:
    assert render_bench(document(), 120) == ""


def test_the_record_holds_what_was_measured() -> None:
    found = WHOLE["results"][0]
    assert found["ratio"] == pytest.approx(4.5e-7 / 1e-3)
    assert found["predicted_ratio"] == 0.25
    assert found["dense"] == pytest.approx({"median": 1e-3, "q1": 9e-4, "q3": 1.25e-3, "count": 17})
    assert found["roofline"]["sparse"]["share"] == 0.25
    assert found["roofline"]["dense"] == {"flops": 10**9, "bytes": 10**6, "seconds": 8e-4, "share": 0.8}
    inside = deepcopy(WHOLE) | {"version": 1, "diagnostics": []}
    jsonschema.validate(inside, DOCUMENT)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(2.0, "2.00 s"), (0.5, "500 ms"), (1e-3, "1.00 ms"), (12.34e-6, "12.3 µs"), (5e-8, "50.0 ns")],
)
def test_times_have_three_digits(seconds: float, shown: str) -> None:
    number, unit = shown.split()
    record = {"median": seconds, "q1": seconds, "q3": seconds}
    assert times(record) == f"{number} ({number}–{number}) {unit}"
