"""Bandwidth against NetworkX's flows and the rank of random matrices."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings

import nfc
from nfc.analysis import bandwidth as module
from nfc.analysis.bandwidth import bandwidth, matching
from nfc.analysis.errors import PropertyError
from nfc.analysis.neurons import neurons
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Factor, Kron
from nfc.ir.structure import endpoints
from tests.build import FABRICS, butterfly, edges_of
from tests.strategies import fabrics


def disjoint_paths(fabric: Fabric) -> int:
    """By NetworkX: a flow between a source and a sink through neurons of capacity 1."""
    numbered = neurons(fabric)
    graph = networkx.DiGraph()
    for neuron in range(numbered.count):
        graph.add_edge(("in", neuron), ("out", neuron), capacity=1)
    for neuron in range(numbered.inputs):
        graph.add_edge("source", ("in", neuron), capacity=1)
    for neuron in range(numbered.inputs, numbered.first_inner):
        graph.add_edge(("out", neuron), "sink", capacity=1)
    for link in numbered.links:
        for output, input in zip(*endpoints(link.factor), strict=True):
            graph.add_edge(("out", link.source + input), ("in", link.target + output), capacity=1)
    return int(networkx.maximum_flow_value(graph, "source", "sink"))


def generic_rank(fabric: Fabric, random: np.random.Generator) -> int:
    return int(np.linalg.matrix_rank(_random_matrix(fabric, random), tol=1e-9))


def _random_matrix(fabric: Fabric, random: np.random.Generator) -> np.ndarray:
    match fabric:
        case Cascade(parts=parts):
            product = _random_matrix(parts[0], random)
            for part in parts[1:]:
                product = _random_matrix(part, random) @ product
            return product
        case Sum(parts=parts):
            return sum(_random_matrix(part, random) for part in parts)
        case factor:
            matrix = np.zeros(factor.shape)
            matrix[endpoints(factor)] = random.choice([-1, 1], factor.edges) * random.uniform(
                0.5, 1.5, factor.edges
            )
            return matrix


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric(name: str) -> None:
    fabric = FABRICS[name]
    expected = disjoint_paths(fabric)
    assert bandwidth(fabric) == expected
    assert generic_rank(fabric, np.random.default_rng(0)) == expected


@settings(max_examples=150)
@given(fabrics())
def test_random_fabrics(fabric: Fabric) -> None:
    assert bandwidth(fabric) == disjoint_paths(fabric)


@pytest.mark.parametrize(
    ("text", "rows", "cols", "expected"),
    [
        ("butterfly", 2**20, 2**20, 2**20),
        ("lowrank(rank=8)", 64, 48, 8),
        ("parallel(3, lowrank(rank=8))", 64, 48, 24),
        ("parallel(9, lowrank(rank=8))", 64, 48, 48),
        ("lowrank(rank=8) >> butterfly", 64, 64, 8),
        ("expander(fan_in=4, depth=3)", 1000, 1000, 1000),
        ("butterfly", 100, 300, 100),
        ("random(fan_in=1, width=20) >> random(fan_in=3)", 60, 40, 20),
    ],
)
def test_known_values(text: str, rows: int, cols: int, expected: int) -> None:
    assert bandwidth(nfc.topology(text, rows=rows, cols=cols).ir) == expected


def test_a_matching_of_a_factor() -> None:
    factor = edges_of(np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]))
    assert matching(factor) == 3
    assert matching(edges_of(np.zeros((2, 3)))) == 0


def test_layers_that_widen_in_the_middle_take_a_flow() -> None:
    star = edges_of(np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    gather = edges_of(np.array([[1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 1, 0, 1]]))
    fabric = Cascade((star, gather))
    assert bandwidth(fabric) == disjoint_paths(fabric) == 3
    crossed = Cascade((star, edges_of(np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]))))
    assert bandwidth(crossed) == disjoint_paths(crossed) == 1


def test_too_many_edges_for_a_flow_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_FLOW", 10)
    uneven = edges_of(np.tril(np.ones((5, 5))))
    with pytest.raises(PropertyError, match="flow through 40 edges") as raised:
        bandwidth(Sum((Cascade((uneven, Kron(5, 1, 1, 1))), Cascade((uneven, Kron(5, 1, 1, 1))))))
    assert raised.value.code == "NF506"
    assert isinstance(uneven, Factor)
    assert bandwidth(butterfly(64)) == 64
