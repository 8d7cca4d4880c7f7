"""Numbers of paths and distances against closed forms and NetworkX."""

from __future__ import annotations

from math import comb, prod

import networkx
import numpy as np
import pytest

from tests.build import dense_pattern
from tests.topologies.oracles import fabric


@pytest.mark.parametrize(("width", "radix"), [(32, 2), (27, 3), (48, 4), (7, 8)])
def test_one_path_through_a_butterfly(width: int, radix: int) -> None:
    assert (dense_pattern(fabric("butterfly", width, width, radix=radix)) == 1).all()


@pytest.mark.parametrize("radices", [(4, 2, 3), (3, 5), (2, 2, 7)])
def test_one_path_through_any_radices(radices: tuple[int, ...]) -> None:
    width = prod(radices)
    assert (dense_pattern(fabric("butterfly", width, width, radices=radices)) == 1).all()


def test_one_path_through_shuffle_exchange() -> None:
    assert (dense_pattern(fabric("shuffle_exchange", 81, 81, radix=3)) == 1).all()
    assert (dense_pattern(fabric("shuffle_exchange", 81, 81, radix=3, depth=5)) == 3).all()


@pytest.mark.parametrize("width", [20, 144, 7])
def test_one_path_through_a_monarch(width: int) -> None:
    assert (dense_pattern(fabric("monarch", width, width)) == 1).all()


@pytest.mark.parametrize(("inputs", "middle"), [(4, 4), (3, 5), (6, 2)])
def test_a_clos_has_a_path_through_every_middle_switch(inputs: int, middle: int) -> None:
    assert (dense_pattern(fabric("clos", 24, 24, inputs=inputs, middle=middle)) == middle).all()


@pytest.mark.parametrize(("width", "radix"), [(16, 2), (27, 3)])
def test_a_benes_has_a_path_through_every_middle_switch(width: int, radix: int) -> None:
    assert (dense_pattern(fabric("benes", width, width, radix=radix)) == width // radix).all()


def test_benes_needs_its_last_stage_for_full_radix_alone() -> None:
    """18 = 3 · 3 · 2: the middle stage has radix 2, so that each pair has 18 / 2 paths."""
    assert (dense_pattern(fabric("benes", 18, 18, radix=3)) == 9).all()


@pytest.mark.parametrize(
    ("systems", "widths"), [(((2, 3), (3, 2)), (2, 3, 1, 4, 2)), (((4, 3), (2, 3)), (1, 2, 2, 5, 1))]
)
def test_radix_net_is_symmetric(systems: tuple, widths: tuple) -> None:
    """Robinett and Kepner, theorem 1: every pair has as many paths."""
    n = prod(systems[0])
    counts = dense_pattern(fabric("radix_net", widths[-1] * n, widths[0] * n, systems=systems, widths=widths))
    inner = prod(widths[1:-1])
    assert (counts == inner * prod(map(prod, systems)) // n).all()


def test_hypercube_against_networkx() -> None:
    graph = networkx.hypercube_graph(5)
    numbers = [sum(bit << axis for axis, bit in enumerate(node)) for node in graph]
    order = np.argsort(numbers)
    adjacency = networkx.to_numpy_array(graph)[np.ix_(order, order)] + np.eye(32)
    np.testing.assert_array_equal(dense_pattern(fabric("hypercube", 32, 32)), adjacency)
    distances = np.bitwise_count(np.arange(32)[:, None] ^ np.arange(32))
    reach = dense_pattern(fabric("hypercube", 32, 32, depth=3)) > 0
    np.testing.assert_array_equal(reach, distances <= 3)


@pytest.mark.parametrize(("side", "dims"), [(5, 2), (4, 3), (6, 1)])
def test_torus_against_networkx(side: int, dims: int) -> None:
    graph = networkx.grid_graph([side] * dims, periodic=True)
    # A node of a one-dimensional grid is a number, not a tuple.
    number = {
        node: sum(digit * side**axis for axis, digit in enumerate(node if dims > 1 else (node,)))
        for node in graph
    }
    adjacency = np.eye(side**dims)
    for one, other in graph.edges:
        adjacency[number[one], number[other]] = adjacency[number[other], number[one]] = 1
    np.testing.assert_array_equal(
        dense_pattern(fabric("torus", side**dims, side**dims, dims=dims)), adjacency
    )
    twice = dense_pattern(fabric("torus", side**dims, side**dims, dims=dims, depth=2))
    np.testing.assert_array_equal(twice, adjacency @ adjacency)


def test_paths_of_a_ring_band_are_trinomial() -> None:
    width, depth = 32, 4
    step = dense_pattern(fabric("band", width, width, wrap=True))
    counts = np.linalg.matrix_power(step, depth)
    at = [sum(comb(depth, k) * comb(depth - k, k + gap) for k in range(depth)) for gap in range(depth + 1)]
    np.testing.assert_array_equal(counts[0, : depth + 1], at)
