"""Random families: degrees, independence of seeds, and distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import factors
from nfc.ir.factors import FanIn
from nfc.topologies import random
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import TopologyError
from tests.build import dense_pattern
from tests.topologies.oracles import fabric, patterns


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int, int]:
    cols = draw(st.integers(1, 40))
    return draw(st.integers(1, 60)), cols, draw(st.integers(1, cols))


def assert_balanced(matrix: np.ndarray, fan_in: int) -> None:
    assert matrix.max() <= 1
    assert (matrix.sum(axis=1) == fan_in).all()
    fan_out = matrix.sum(axis=0)
    assert fan_out.max() - fan_out.min() <= 1


@given(sizes(), st.integers(0, 2**64 - 1))
@example((55, 14, 2), 2)  # the one output with a repeat finds no partner in the first round
def test_random_is_balanced(size: tuple[int, int, int], seed: int) -> None:
    rows, cols, fan_in = size
    assert_balanced(dense_pattern(fabric("random", rows, cols, fan_in=fan_in, seed=seed)), fan_in)


@pytest.mark.parametrize(("rows", "cols", "fan_in"), [(40, 10, 5), (64, 64, 32), (3, 4, 2), (9, 12, 6)])
def test_random_ends_without_luck(monkeypatch: pytest.MonkeyPatch, rows: int, cols: int, fan_in: int) -> None:
    """The partners that are looked up settle every repeat, without one random round."""
    monkeypatch.setattr(random, "ROUNDS", 0)
    factor = random.balanced(rows, cols, fan_in, Draws(1, Purpose.RANDOM))
    assert_balanced(dense_pattern(factor), fan_in)


def test_random_is_large() -> None:
    factor = fabric("random", 2**16, 2**16, fan_in=16, seed=1)
    assert isinstance(factor, FanIn)
    assert (factor.fan_out() == 16).all()
    assert (np.diff(factor.table, axis=1) > 0).all()


def test_random_treats_inputs_and_pairs_alike() -> None:
    """Over many seeds every edge, and every pair of edges of two outputs, is as frequent as another."""
    draws = np.array([dense_pattern(fabric("random", 6, 6, fan_in=2, seed=s)) for s in range(800)])
    edges = draws.mean(axis=0)
    assert abs(edges - 2 / 6).max() < 5 * np.sqrt(2 / 9 / 800)
    both = np.einsum("soi,spi->op", draws, draws) / 800
    shared = both[~np.eye(6, dtype=bool)]
    # Each input is in two outputs, so that 6 pairs of 30 share one; the pairs are alike.
    assert abs(shared - 6 * 2 / 30).max() < 0.1


def test_outputs_next_to_each_other_are_independent() -> None:
    factor = fabric("random", 4096, 4096, fan_in=8, seed=5)
    assert isinstance(factor, FanIn)
    shared = sum(len(np.intersect1d(a, b)) for a, b in zip(factor.table, factor.table[1:], strict=False))
    expected = 4095 * 8 * 7 / 4095  # an input has 7 other outputs among the 4095 others
    assert abs(shared - expected) < 6 * np.sqrt(expected)


def test_a_fan_in_above_the_inputs_is_an_error() -> None:
    for family in ("random", "small_world"):
        with pytest.raises(TopologyError, match="at most the number of inputs, 4, not 5") as raised:
            fabric(family, 4, 4, fan_in=5, seed=0)
        assert (raised.value.code, raised.value.argument) == ("NF301", "fan_in")


def test_expander_factors_differ_and_are_random_ones() -> None:
    parts = list(factors(fabric("expander", 20, 32, fan_in=4, depth=3, seed=9)))
    assert [part.shape for part in parts] == [(32, 32), (32, 32), (20, 32)]
    for part in parts:
        assert_balanced(dense_pattern(part), 4)
    assert fabric_digest(parts[0]) == fabric_digest(fabric("random", 32, 32, fan_in=4, seed=9))
    assert fabric_digest(parts[0]) != fabric_digest(parts[1])


@pytest.mark.parametrize("density", [0.001, 0.02, 0.5, 0.97])
def test_bernoulli_has_its_density_and_no_pattern(density: float) -> None:
    matrix = dense_pattern(fabric("bernoulli", 300, 500, density=density, seed=2))
    deviation = np.sqrt(density * (1 - density))
    assert abs(matrix.mean() - density) < 5 * deviation / np.sqrt(matrix.size)
    assert abs(matrix.mean(axis=0) - density).max() < 6 * deviation / np.sqrt(300)
    neighbours = (matrix[:, 1:] * matrix[:, :-1]).mean()
    assert abs(neighbours - density**2) < 5 * density / np.sqrt(matrix.size) + 1e-4


def test_bernoulli_costs_its_edges() -> None:
    factor = fabric("bernoulli", 2**22, 2**22, density=2e-10, seed=1)
    assert isinstance(factor.edges, int)
    assert abs(factor.edges - 2e-10 * 2**44) < 6 * np.sqrt(2e-10 * 2**44)


def test_bernoulli_without_density_is_an_error() -> None:
    with pytest.raises(TopologyError, match="above 0 and at most 1, not 0") as raised:
        fabric("bernoulli", 4, 4, density=0, seed=0)
    assert (raised.value.code, raised.value.argument) == ("NF401", "density")


@pytest.mark.parametrize(("rows", "cols", "fan_in"), [(9, 9, 3), (9, 9, 4), (5, 12, 5), (12, 5, 1)])
def test_small_world_without_rewiring_is_a_ring(rows: int, cols: int, fan_in: int) -> None:
    matrix = dense_pattern(fabric("small_world", rows, cols, fan_in=fan_in, rewire=0, seed=0))
    for o in range(rows):
        centre = o * cols // rows
        distance = np.minimum((np.arange(cols) - centre) % cols, (centre - np.arange(cols)) % cols)
        read, unread = distance[matrix[o] > 0], distance[matrix[o] == 0]
        assert len(read) == fan_in
        assert read.max() <= unread.min()


@given(sizes(), st.sampled_from([0.0, 0.1, 0.7, 1.0]), st.integers(0, 2**64 - 1))
def test_small_world_keeps_fan_in(size: tuple[int, int, int], rewire: float, seed: int) -> None:
    rows, cols, fan_in = size
    matrix = dense_pattern(fabric("small_world", rows, cols, fan_in=fan_in, rewire=rewire, seed=seed))
    assert (matrix.sum(axis=1) == fan_in).all()


def test_small_world_moves_edges_with_its_probability() -> None:
    ring = dense_pattern(fabric("small_world", 2000, 2000, fan_in=6, rewire=0, seed=1))
    moved = dense_pattern(fabric("small_world", 2000, 2000, fan_in=6, rewire=0.1, seed=1))
    share = 1 - (ring * moved).sum() / 12000
    assert abs(share - 0.1) < 5 * np.sqrt(0.09 / 12000)
    landed = np.nonzero(moved * (1 - ring))
    gaps = (landed[1] - landed[0]) % 2000
    assert abs(gaps.mean() - 1000) < 5 * 2000 / np.sqrt(12 * len(gaps))


def test_small_world_with_few_inputs_left_moves_what_it_can() -> None:
    matrix = dense_pattern(fabric("small_world", 10, 10, fan_in=8, rewire=1, seed=4))
    ring = dense_pattern(fabric("small_world", 10, 10, fan_in=8, rewire=0, seed=4))
    np.testing.assert_array_equal((matrix * (1 - ring)).sum(axis=1), 2)


@given(sizes(), st.integers(1, 45), st.integers(0, 2**64 - 1), st.data())
def test_n_of_m_in_every_group(size: tuple[int, int, int], m: int, seed: int, data: st.DataObject) -> None:
    rows, cols, _ = size
    n = data.draw(st.integers(1, m))
    matrix = dense_pattern(fabric("n_of_m", rows, cols, n=n, m=m, seed=seed))
    for start in range(0, cols, m):
        group = matrix[:, start : start + m]
        assert (group.sum(axis=1) == min(n, group.shape[1])).all()


def test_n_of_m_chooses_alike() -> None:
    matrix = dense_pattern(fabric("n_of_m", 20000, 7, n=2, m=5, seed=1))
    np.testing.assert_allclose(matrix[:, :5].mean(axis=0), 2 / 5, atol=5 * np.sqrt(0.24 / 20000))
    pairs = matrix[:, :5].T @ matrix[:, :5] / 20000
    np.testing.assert_allclose(pairs[~np.eye(5, dtype=bool)], 1 / 10, atol=5 * np.sqrt(0.09 / 20000))
    assert (matrix[:, 5:] == 1).all()


@pytest.mark.parametrize(
    ("family", "arguments"),
    [
        ("random", {"fan_in": 3}),
        ("bernoulli", {"density": 0.3}),
        ("small_world", {"fan_in": 3, "rewire": 0.5}),
        ("n_of_m", {"n": 2, "m": 4}),
        ("expander", {"fan_in": 3, "depth": 2}),
    ],
)
def test_seeds_differ_and_repeat(family: str, arguments: dict) -> None:
    digests = [
        fabric_digest(fabric(family, 24, 20, seed=seed, **arguments)) for seed in (0, 1, 2**32, 2**63, 1)
    ]
    assert len(set(digests)) == 4
    assert digests[1] == digests[4]


def test_purposes_do_not_share_numbers() -> None:
    firsts = {
        int(Draws(7, purpose, place, part).integers(0, 1)[0])
        for purpose in Purpose
        for place in (0, 1)
        for part in (0, 1)
    }
    assert len(firsts) == 4 * len(Purpose)


def test_patterns_of_a_random_fabric_are_simple() -> None:
    for matrix in patterns(fabric("expander", 50, 30, fan_in=17, depth=2, seed=3)):
        assert set(np.unique(matrix)) <= {0.0, 1.0}
