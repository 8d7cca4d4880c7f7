"""Dead and duplicate neurons and the balance of degrees, against sets of neighbours and NetworkX."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings

import nfc
from nfc.analysis.neurons import neurons
from nfc.analysis.units import biregular, dead, degree_balance, duplicates
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Kron
from nfc.ir.structure import endpoints
from tests.build import FABRICS, butterfly, edges_of
from tests.strategies import fabrics


def graph_of(fabric: Fabric) -> networkx.MultiDiGraph:
    numbered = neurons(fabric)
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from(range(numbered.count))
    for link in numbered.links:
        for output, input in zip(*endpoints(link.factor), strict=True):
            graph.add_edge(link.source + int(input), link.target + int(output))
    return graph


def expected_dead(fabric: Fabric) -> int:
    numbered, graph = neurons(fabric), graph_of(fabric)
    inputs = range(numbered.inputs)
    outputs = range(numbered.inputs, numbered.first_inner)
    reached = set(inputs).union(*(networkx.descendants(graph, neuron) for neuron in inputs))
    reaching = set(outputs).union(*(networkx.ancestors(graph, neuron) for neuron in outputs))
    counted = {neuron for neuron in graph if graph.degree(neuron)} | set(inputs) | set(outputs)
    return len(counted - (reached & reaching))


def expected_duplicates(fabric: Fabric) -> int:
    numbered, graph = neurons(fabric), graph_of(fabric)
    inner = [
        neuron
        for neuron in range(numbered.first_inner, numbered.count)
        if graph.in_degree(neuron) and graph.out_degree(neuron)
    ]
    kinds = {
        (tuple(sorted(a for a, _ in graph.in_edges(n))), tuple(sorted(b for _, b in graph.out_edges(n))))
        for n in inner
    }
    return len(inner) - len(kinds)


@settings(max_examples=150)
@given(fabrics())
def test_random_fabrics(fabric: Fabric) -> None:
    assert dead(fabric) == expected_dead(fabric)
    assert duplicates(fabric) == expected_duplicates(fabric)
    numbered, graph = neurons(fabric), graph_of(fabric)
    inner = [
        (graph.in_degree(n), graph.out_degree(n))
        for n in range(numbered.first_inner, numbered.count)
        if graph.in_degree(n) and graph.out_degree(n)
    ]
    assert degree_balance(fabric) == min((min(pair) / max(pair) for pair in inner), default=1.0)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("lowrank(rank=5)", 32, 4),
        ("butterfly", 32, 0),
        ("parallel(2, monarch)", 64, 64),
        ("parallel(2, monarch, shuffle=3)", 64, 0),
    ],
)
def test_duplicates_of_families(text: str, width: int, expected: int) -> None:
    assert duplicates(nfc.topology(text, rows=width, cols=width).ir) == expected


def test_dead_neurons_count_ends_without_edges_and_dead_ends() -> None:
    first = edges_of(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]]))
    second = edges_of(np.array([[1, 0, 0], [0, 0, 1]]))
    assert dead(Cascade((first, second))) == expected_dead(Cascade((first, second))) == 4
    assert dead(butterfly(2**10)) == 0


def test_neurons_of_a_sum_share_its_ends() -> None:
    numbered = neurons(Sum((Cascade((Kron(1, 3, 4, 1), Kron(1, 5, 3, 1))), Kron(1, 5, 4, 1))))
    assert (numbered.inputs, numbered.outputs, numbered.inner) == (4, 5, 3)
    assert [(link.source, link.target) for link in numbered.links] == [(0, 9), (9, 4), (0, 4)]


@pytest.mark.parametrize(
    ("name", "expected"), [("butterfly", True), ("fan_in", False), ("edges", False), ("sum", True)]
)
def test_biregular(name: str, *, expected: bool) -> None:
    assert biregular(FABRICS[name]) is expected
