"""Degrees against NetworkX graphs in which shared neurons are one node."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Edges, Factor, Kron
from tests.build import FABRICS, butterfly, edges_of
from tests.strategies import fabrics


def wires(fabric: Fabric, source: str, target: str) -> Iterator[tuple[str, str, Factor]]:
    """The factors as arrows between named layers of neurons; sums share their ends."""
    if isinstance(fabric, Factor):
        yield source, target, fabric
    elif isinstance(fabric, Sum):
        for number, part in enumerate(fabric.parts):
            inner = f"{source}>{target}+{number}"
            yield from (
                wires(part, source, target)
                if isinstance(part, Factor)
                else renamed(part, source, target, inner)
            )
    else:
        yield from renamed(fabric, source, target, f"{source}>{target}")


def renamed(fabric: Fabric, source: str, target: str, inner: str) -> Iterator[tuple[str, str, Factor]]:
    assert isinstance(fabric, Cascade)
    stops = [source, *(f"{inner}.{k}" for k in range(1, len(fabric.parts))), target]
    for k, part in enumerate(fabric.parts):
        yield from wires(part, stops[k], stops[k + 1])


def graph_of(fabric: Fabric) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for source, target, factor in wires(fabric, "in", "out"):
        indptr, indices = factor.arrays()
        outputs = np.repeat(np.arange(factor.rows), np.diff(indptr))
        graph.add_edges_from(
            ((source, i), (target, o)) for o, i in zip(outputs.tolist(), indices.tolist(), strict=True)
        )
    return graph


def assert_agrees(fabric: Fabric) -> None:
    graph = graph_of(fabric)
    for found, degrees in ((fan_in(fabric), graph.in_degree), (fan_out(fabric), graph.out_degree)):
        live = [degree for _, degree in degrees if degree]
        assert (found.minimum, found.maximum) == (min(live), max(live))
        assert (found.edges, found.neurons) == (sum(live), len(live))
        assert found.mean == sum(live) / len(live)


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind(name: str) -> None:
    assert_agrees(FABRICS[name])


@settings(max_examples=80, deadline=None)
@given(fabrics())
def test_random_fabrics(fabric: Fabric) -> None:
    assert_agrees(fabric)


def test_branches_of_a_sum_share_their_ends() -> None:
    fabric = Sum((butterfly(8), butterfly(8), Kron(8, 1, 1, 1)))
    assert (fan_in(fabric).minimum, fan_in(fabric).maximum) == (2, 5)
    assert fan_in(fabric).mean == (4 * 8 * 2 + 8 * 5) / (4 * 8 + 8)
    assert (fan_out(fabric).minimum, fan_out(fabric).maximum) == (2, 5)


def test_extremes_are_located() -> None:
    first = edges_of(np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]]))
    second = edges_of(np.array([[1, 0, 1], [1, 0, 0]]))
    found = fan_in(Cascade((first, Kron(1, 3, 3, 1), second)))
    assert (found.most, found.maximum) == ((2, 0), 3)
    assert (found.least, found.minimum) == ((3, 1), 1)
    outward = fan_out(Cascade((first, second)))
    assert (outward.most, outward.maximum) == ((1, 1), 2)


def test_neurons_without_edges_do_not_count() -> None:
    found = fan_in(edges_of(np.array([[1, 1, 0], [0, 0, 0]])))
    assert found == Degrees(2, 2, 2, 1, (1, 0), (1, 0))
    empty = Edges(2, np.zeros(3, np.int64), np.zeros(0, np.int64))
    assert fan_out(empty) == Degrees(0, 0, 0, 0, None, None)
    assert fan_out(empty).mean == 0.0


def test_written_order_numbers_the_factors() -> None:
    wide = Kron(1, 4, 4, 1)
    fabric = Sum((Kron(4, 1, 1, 1), Cascade((Kron(4, 1, 1, 1), wide, Kron(4, 1, 1, 1)))))
    assert list(factors(fabric))[2] is wide
    assert fan_in(fabric).most == (3, 0)
