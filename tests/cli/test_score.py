"""`nfc score`: the document, the order, and what is wrong with an expression."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import nfc
from nfc.diagnostics import NfcError
from tests.cli.schemas import DIAGNOSTICS, INTEGER, NUMBER, TEXT, VERSION, array, record
from tests.documents import fresh
from tests.documents import nfc as run

MAYBE = {"type": ["number", "null"]}

SCHEMA = record(
    version=VERSION,
    rows=INTEGER,
    cols=INTEGER,
    results=array(
        record(
            topology=TEXT,
            params=INTEGER,
            density=NUMBER,
            depth=INTEGER,
            score=MAYBE,
            controllability=MAYBE,
            stderr=MAYBE,
            trainability=MAYBE,
            connected={"type": ["boolean", "null"]},
            paths_cv=MAYBE,
            bandwidth=MAYBE,
            spectral_gap=MAYBE,
            freedom=MAYBE,
            seconds=NUMBER,
        )
    ),
    diagnostics=DIAGNOSTICS,
)
ALONE = ["--jobs", "1"]

MINE = """nf 1
param k = 2
mask ring[o, i] = (o - i) % cols <= k
topology hops(count=2) = cascade(count, ring)
"""


def document(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = run(["score", *arguments, "--format", "json"])
    assert done.code == code, done.shown
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_records_say_what_the_properties_say_best_first() -> None:
    topologies = ["diagonal", "butterfly( radix = 4 )", "dense"]
    found = document(*topologies, "--in", "16", "--out", "12", *ALONE)
    assert (found["rows"], found["cols"]) == (12, 16)
    assert [each["topology"] for each in found["results"]] == ["dense", topologies[1], "diagonal"]
    for each in found["results"]:
        fabric = nfc.topology(each["topology"], rows=12, cols=16)
        assert (each["params"], each["depth"]) == (fabric.edges, fabric.depth)
        assert each["density"] == fabric.density
        assert each["connected"] == fabric.connected
        assert each["paths_cv"] == fabric.paths.cv
        assert each["bandwidth"] == fabric.bandwidth
        assert each["spectral_gap"] == pytest.approx(fabric.spectral_gap)
        assert each["freedom"] == fabric.freedom
        score = fabric.score(targets=3, seed=0)
        assert each["score"] == pytest.approx(score.score)
        assert (each["controllability"], each["stderr"]) == (score.controllability, score.stderr)
    assert found["results"][0]["controllability"] == pytest.approx(1.0)


def test_without_outputs_a_place_is_square() -> None:
    assert document("dense", "--in", "8", *ALONE)["rows"] == 8


def test_processes_change_nothing() -> None:
    arguments = ["score", "butterfly(radix=16)", "random(fan_in=9)", "--in", "256", "--targets", "1"]
    assert fresh(*arguments, *ALONE) == fresh(*arguments, "--jobs", "2")


def test_seeds_and_targets_count() -> None:
    once, again, other = (
        document("torus", "--in", "16", "--targets", "1", "--seed", seed, *ALONE)["results"]
        for seed in ("1", "1", "2")
    )
    assert once == again
    assert once[0]["score"] != other[0]["score"]


def test_a_wrong_expression_is_shown_at_its_place_before_any_is_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nfc.search.measure.outcome", None)
    arguments = ["dense", "butterflie", "block(size=3", "--in", "8", *ALONE]
    found = document(*arguments, code=1)
    assert found["results"] == []
    places = [(each["file"], each["line"], each["column"]) for each in found["diagnostics"]]
    assert ("<topology 2>", 1, 1) in places
    assert any(file == "<topology 3>" for file, _, _ in places)
    assert "did you mean `butterfly`" in run(["score", *arguments]).err


def test_a_lone_expression_needs_no_number() -> None:
    (diagnostic,) = document("butterflie", "--in", "8", code=1)["diagnostics"]
    assert diagnostic["file"] == "<topology>"


def test_definitions_of_a_file() -> None:
    Path("mine.nf").write_text(MINE, "utf-8")
    arguments = ["ring", "hops(3)", "hops >> dense", "--in", "8", "--file", "mine.nf", *ALONE]
    found = {each["topology"]: each["params"] for each in document(*arguments)["results"]}
    assert found == {"ring": 24, "hops(3)": 72, "hops >> dense": 112}
    wider = {each["topology"]: each["params"] for each in document(*arguments, "-D", "k=3")["results"]}
    assert wider["ring"] == 32
    assert document("ring", "--in", "8", "--file", "wrong.nf", code=1)["diagnostics"][0]["file"] == "wrong.nf"


def test_text_shows_the_standard_error() -> None:
    done = run(["score", "torus", "random(fan_in=2)", "--in", "16", *ALONE])
    assert done.code == 0
    assert re.search(r"torus .* 0\.\d{4} +0\.\d{4} ± 0\.\d{4}", done.out)
    assert done.out.startswith("16 → 16")


def test_a_warning_names_the_expression() -> None:
    diagnostics = document("diagonal", "dense", "--in", "9", "--out", "4", *ALONE)["diagnostics"]
    assert {(each["severity"], each["file"]) for each in diagnostics} == {("warning", "<topology 1>")}


@pytest.mark.parametrize(
    "command",
    [
        "score --in 8",
        "score dense",
        "score dense --in 0",
        "score dense --in 8 -D k=2",
        "score dense --in 8 --network n",
        "score dense --in 8 --backend spark",
        "score dense --in 8 --address tcp://127.0.0.1:9",
    ],
)
def test_wrong_usage(command: str) -> None:
    assert run(command.split()).code == 2


def test_a_score_in_python_says_why_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from nfc.analysis.errors import PropertyError

    def refuse(*arguments: object, **options: object) -> None:
        raise PropertyError("NF506", "it would take minutes", hints=("a smaller width",))

    monkeypatch.setattr("nfc.score.score", refuse)
    with pytest.raises(NfcError, match="NF506"):
        nfc.topology("dense", rows=4, cols=4).score()
    monkeypatch.setattr("nfc.search.measure.score", refuse)
    found = document("dense", "--in", "4", *ALONE)
    assert [(each["score"], each["stderr"]) for each in found["results"]] == [(None, None)]
    assert [each["severity"] for each in found["diagnostics"]] == ["warning"]
    assert "—" in run(["score", "dense", "--in", "4", *ALONE]).out
