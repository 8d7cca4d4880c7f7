"""docs/topologies.md tells of every family and of every argument, and shows what was measured."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import nfc
from benchmarks.topologies import worth
from benchmarks.topologies.measure import DATA, encoded, measured, members, rounded_all, scored
from benchmarks.topologies.members import DRAWN, DRAWN_WIDTH, MEASURED, MEASURED_WIDTH, PICTURED, SCORED
from benchmarks.topologies.pages import filled, picture
from benchmarks.topologies.portrait import CELL, portrait
from benchmarks.topologies.requirements import REQUIREMENTS, met
from benchmarks.topologies.tunable import VARIED, tunable
from benchmarks.topologies.worth import best, worths
from nfc.topologies import FAMILIES
from tests.build import dense_pattern
from tests.documents import ROOT

PAGE = (ROOT / "docs" / "topologies.md").read_text("utf-8")
SECTIONS = {title: title + body for title, body in re.findall(r"^### `(\w+)(.*?)(?=^##)", PAGE, re.S | re.M)}
DOCUMENT = json.loads((ROOT / DATA).read_text("utf-8"))
LARGEST_PICTURE = 30_000

RECOMPUTED = ("dense", "block", "random", "hypercube", "butterfly", "monarch", "lowrank")
"""Families whose rows are measured again here: each within a second."""
TOLERANCES = {"controllability": 0.02}
"""What is sampled or optimised; other fractions are compared within their rounding."""


def test_every_family_has_a_section_and_no_other() -> None:
    assert set(SECTIONS) == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_section_names_the_arguments(name: str) -> None:
    heading = SECTIONS[name].partition("\n")[0]
    for parameter in FAMILIES[name].parameters:
        assert re.search(rf"\b{parameter.name}\b", heading), parameter.name


@pytest.mark.parametrize("name", FAMILIES)
def test_a_section_has_picture_weights_scores_and_use(name: str) -> None:
    section = SECTIONS[name]
    for part in (f"](figures/topologies/{name}.svg)", "\nWeights: ", "*Measured*", "*Scores*", "*Use*"):
        assert part in section, part


def test_every_family_is_drawn_measured_scored_and_varied() -> None:
    for members_of in (DRAWN, MEASURED, SCORED, VARIED):
        assert set(members_of) == {*FAMILIES, "parallel"}


def test_the_page_shows_the_data() -> None:
    assert filled(PAGE, DOCUMENT) == PAGE


def test_the_data_are_of_the_members() -> None:
    rows = [(each["family"], each["topology"]) for each in DOCUMENT["measured"]]
    assert rows == list(members())
    points = [each["topology"] for each in DOCUMENT["scored"]]
    assert points == [topology for expressions in SCORED.values() for topology in expressions]
    assert (ROOT / DATA).read_text("utf-8") == encoded(DOCUMENT)


@pytest.mark.parametrize("family", RECOMPUTED)
def test_a_row_is_what_is_measured(family: str) -> None:
    row = next(each for each in DOCUMENT["measured"] if each["family"] == family)
    again = measured(family, row["topology"])
    assert again["met"] == row["met"]
    for name, value in row["properties"].items():
        if isinstance(value, float):
            assert again["properties"][name] == pytest.approx(
                value, abs=2e-2 if name == "controllability" else 2e-4
            )
        else:
            assert again["properties"][name] == value, name


@pytest.mark.parametrize("row", DOCUMENT["measured"], ids=lambda row: row["topology"])
def test_a_row_meets_what_a_check_finds(row: dict[str, Any]) -> None:
    again = met(row["topology"], MEASURED_WIDTH, without="freedom")
    density, freedom = (row["properties"][name] for name in ("density", "freedom"))
    again["no waste"] &= freedom >= 0.75 * density
    assert again | {"tunable": tunable(row["family"])} == row["met"]


def test_points_of_curves_are_what_is_scored() -> None:
    for topology in ("monarch", "block(size=16)"):
        point = next(each for each in DOCUMENT["scored"] if each["topology"] == topology)
        again = scored(point["family"], topology)
        assert again["score"] == pytest.approx(point["score"], abs=0.02)


def test_requirements_are_worth_what_the_study_has_measured() -> None:
    for key, records in (("worth", [asdict(each) for each in worths()]), ("best", best())):
        assert [json.loads(json.dumps(rounded_all(each))) for each in records] == DOCUMENT[key]


def test_what_a_requirement_is_worth_is_a_mean_over_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {topology: {"few hops": topology in ("a", "c")} for topology in "abcde"}
    groups = {"4k": ("a", "b"), "8k": ("c", "d", "d"), "16k": ("e",)}
    monkeypatch.setattr(worth, "GROUPS", groups)
    reached = {"a": 0.5, "b": 0.4, "c": 0.9, "d": 0.6, "e": 1.0}
    found = worth.compared("few hops", frozenset(), held, reached)
    assert found is not None
    assert (found.with_it, found.without_it) == (2, 3)
    assert found.difference == pytest.approx(20.0)


def test_the_check_block_of_the_page_has_every_assertion() -> None:
    block = PAGE.partition("check good {")[2].partition("}")[0]
    shown = [line.partition("#")[0].strip() for line in block.strip().splitlines()]
    assert shown == [line.format(width=64) for each in REQUIREMENTS for line in each.assertions]


@pytest.mark.parametrize("family", PICTURED)
def test_pictures_are_those_of_the_data_and_small(family: str) -> None:
    committed = (ROOT / "docs" / "figures" / "topologies" / f"{family}.svg").read_text("utf-8")
    assert committed == picture(family, DOCUMENT)
    assert len(committed.encode()) < LARGEST_PICTURE
    ElementTree.fromstring(committed)


@pytest.mark.parametrize("family", ["random", "benes", "pixelfly"])
def test_a_portrait_fills_a_cell_for_each_weight(family: str) -> None:
    fabric = nfc.topology(DRAWN[family], rows=DRAWN_WIDTH, cols=DRAWN_WIDTH)
    drawn = "".join(portrait(fabric.ir, (0.0, 0.0)).parts)
    runs = re.findall(r"M[\d.]+ [\d.]+h([\d.]+)v", drawn)
    assert sum(float(length) for length in runs) == CELL * fabric.edges


def test_a_portrait_shows_the_matrix() -> None:
    fabric = nfc.topology(DRAWN["random"], rows=DRAWN_WIDTH, cols=DRAWN_WIDTH)
    drawn = "".join(portrait(fabric.ir, (0.0, 0.0)).parts)
    shown = np.zeros((DRAWN_WIDTH, DRAWN_WIDTH), bool)
    for x, y, length in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v", drawn):
        first, row, count = (round(float(value) / CELL) for value in (x, y, length))
        shown[row, first : first + count] = True
    np.testing.assert_array_equal(shown, dense_pattern(fabric.factors[0]))
