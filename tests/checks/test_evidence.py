"""Evidence on whole specs, against values known in closed form."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nfc import load
from nfc.analysis.properties import LAYER_PROPERTIES, NETWORK_PROPERTIES
from nfc.checks.evidence import LAYER_EVIDENCE, layer_evidence
from nfc.checks.misses import Miss
from nfc.checks.network_evidence import NETWORK_EVIDENCE
from nfc.ir.fabric import Cascade
from nfc.ir.factors import Kron
from nfc.source import Source
from tests.build import edges_of, linear

SPEC = """nf 1
network net {{
    input 8
    a: linear 8 bias=false init=xavier
    relu
    repeat 2 {{ thin: linear 8 via butterfly }}
    sum {{ {{ linear 8 via diagonal }} {{ linear 8 via block(size=4); linear 8 via diagonal }} }}
    head: linear 3
}}
check net {{ {} }}
"""


def evidence(assertion: str) -> str | None:
    (result,) = load(Source("net.nf", SPEC.format(assertion))).check().results
    assert not result.ok
    return result.evidence


@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        ("depth <= 3", "`a` → `repeat1.0.thin` (3) → `repeat1.1.thin` (3) → `sum1.1.linear1` → `sum1.1.linear2` → `head`"),
        ("density < 1%", "`a` is the densest layer: 1"),
        ("density > 200%", "`sum1.0.linear1` is the sparsest layer: 0.125"),
        ("edges < 1", "`repeat1.thin` adds most: 96 in 2 copies"),
        ("repeat1.thin.edges < 1", "each of its 3 factors has 16 edges"),
        ("repeat1.thin.factors < 1", "its factors are 8 × 8 with 16 edges, 8 × 8 with 16 edges, 8 × 8 with 16 edges"),
        ("repeat1.thin.paths.max < 1", "every pair has 1 path"),
        ("sum1.1.linear1.paths.min > 0", "no path leads from input 0 to output 4; 32 of 64 pairs have none"),
        ("sum1.1.linear1.paths.mean > 1", "no path leads from input 0 to output 4; 32 of 64 pairs have none"),
        ("sum1.1.linear1.paths.cv < 0.5", "pairs have from 0 to 1 paths, 0.5 on average"),
        ("sum1.1.linear1.reach == 1", "no path leads from input 0 to output 4; 32 of 64 pairs have none"),
        ("head.params < 1", "24 of them are weights and 3 biases"),
        ("head.density < 1%", "24 edges over 3 × 8 pairs"),
        ("head.fan_out.mean > 9", "24 edges over 8 inputs; every input has 3 outputs"),
    ],
)  # fmt: skip
def test_it_names_the_place(assertion: str, expected: str) -> None:
    assert expected in (evidence(assertion) or "")


def test_a_rectifier_halves_the_second_moment() -> None:
    found = evidence("variance.forward > 100")
    numbers = re.search(r"at `relu1`: from ([\d.e-]+) to ([\d.e-]+)$", found or "")
    assert numbers
    assert float(numbers[2]) == pytest.approx(float(numbers[1]) / 2, rel=1e-5)


def test_a_rectifier_makes_inputs_alike() -> None:
    # two inputs at right angles: E[relu(x) relu(y)] / E[relu(x)²] = 1/π, the arc-cosine kernel of Cho and Saul
    assert evidence("correlation < 0") == "it changes most at `relu1`: from 0 to 0.31831"


def test_gradients_are_followed_from_the_output_back() -> None:
    assert re.search(
        r"gradients' second moment (grows|falls) most at `\S+`: from ",
        evidence("variance.backward > 1k") or "",
    )


def test_every_property_that_can_miss_has_evidence() -> None:
    assert set(NETWORK_PROPERTIES) - set(NETWORK_EVIDENCE) == {"digest"}
    assert set(LAYER_PROPERTIES) - set(LAYER_EVIDENCE) == {"digest", "params"}


@pytest.mark.parametrize(
    ("rows", "name", "expected"),
    [
        ([[1, 1, 0], [0, 1, 0], [0, 0, 0]], "dead", "no signal passes input 2"),
        (
            [[1, 1, 1], [1, 1, 1], [0, 1, 1]],
            "duplicates",
            "output 1 of factor 1 has the neighbours of output 0 of factor 1",
        ),
        (
            [[1, 1, 1], [0, 1, 0], [0, 0, 1]],
            "degree_balance",
            "output 1 of factor 1 reads 1 and is read by 4",
        ),
        ([[1, 1, 0], [0, 1, 1], [0, 0, 1]], "biregular", "outputs 2 and 0 of factor 1 have 1 and 2 inputs"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "ramanujan_gap", "factor 1 of 2 mixes least"),
    ],
)
def test_the_first_neuron_or_factor_is_named(rows: list[list[int]], name: str, expected: str) -> None:
    fabric = Cascade((edges_of(np.array(rows)), Kron(1, 4, 3, 1)))
    assert layer_evidence(name, linear("mix", fabric), Miss.LOW) == expected
