"""Balanced variances against dense sums, and against an independent dense Sinkhorn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from nfc.ir.deviations import Deviations, edge_std
from nfc.ir.factors import Factor, FanIn, Kron, Restricted
from nfc.ir.recovery import components
from nfc.ir.structure import endpoints
from nfc.passes.balance import FLOOR, balance
from nfc.passes.feasible_blocks import feasible_blocks
from nfc.passes.schemes import edge_variance
from tests.build import dense_pattern, edges_of


def dense(factor: Factor, variance: Deviations) -> np.ndarray:
    matrix = np.zeros(factor.shape)
    ends = endpoints(factor)
    matrix[ends] = variance.variances(*ends)
    return matrix


def random_pattern(seed: int, rows: int = 40, cols: int = 30) -> Factor:
    """Irregular, with a full band so that an exact balance exists for square and most oblong shapes."""
    generator = np.random.default_rng(seed)
    return edges_of((generator.random((rows, cols)) < generator.uniform(0.2, 0.6, (rows, 1))).astype(int))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (24, 24)])
def test_random_patterns_balance_exactly(seed: int, shape: tuple[int, int]) -> None:
    factor = random_pattern(seed, *shape)
    matrix = dense(factor, balance(factor))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=0), shape[0] / shape[1], rtol=1e-8)


def test_a_balanced_matrix_is_the_pattern_between_two_diagonals() -> None:
    factor = random_pattern(3)
    matrix = dense(factor, balance(factor))
    pattern = matrix > 0
    logarithm = np.log(np.where(pattern, matrix, 1.0))
    rows, cols = matrix.shape
    row, column = np.nonzero(pattern)
    system = np.zeros((len(row), rows + cols))
    system[np.arange(len(row)), row] = system[np.arange(len(row)), rows + column] = 1.0
    solution = np.linalg.lstsq(system, logarithm[row, column], rcond=None)[0]
    np.testing.assert_allclose(system @ solution, logarithm[row, column], atol=1e-9)


def test_dead_neurons_take_no_part() -> None:
    matrix = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 0, 1]])
    balanced = dense(edges_of(matrix), balance(edges_of(matrix)))
    np.testing.assert_allclose(balanced.sum(axis=1), [1, 0, 1, 1], atol=1e-9)
    np.testing.assert_allclose(balanced.sum(axis=0), [1, 1, 0, 1], atol=1e-9)


def least_share(factor: Factor) -> np.ndarray:
    """The lesser of the mean edge of each edge's row and column, dense."""
    pattern = dense_pattern(factor)
    fan_in, fan_out = pattern.sum(axis=1), pattern.sum(axis=0)
    even = np.count_nonzero(fan_in) / np.count_nonzero(fan_out)
    with np.errstate(divide="ignore"):
        return np.where(pattern > 0, np.minimum(1.0 / fan_in[:, None], even / fan_out[None, :]), 0.0)


@pytest.mark.parametrize("size", [2, 5, 64])
def test_mere_support_keeps_a_floor_under_every_edge(size: int) -> None:
    """A lower triangle has only the identity as its limit."""
    factor = edges_of(np.tril(np.ones((size, size), int)))
    matrix = dense(factor, balance(factor))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, atol=FLOOR)
    np.testing.assert_allclose(matrix - np.diag(np.diag(matrix)), FLOOR * np.tril(least_share(factor), -1))
    assert np.diag(matrix).min() >= 1.0 - FLOOR


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1, 0, 0, 0], [0, 1, 1, 1]]),
        np.array([[1, 0], [1, 0], [1, 0], [0, 1]]),
        np.kron(np.eye(2, dtype=int), np.ones((5, 1), int)) | np.eye(10, 2, dtype=int),
    ],
)
def test_without_a_balance_rows_stay_exact(matrix: np.ndarray) -> None:
    balanced = dense(edges_of(matrix), balance(edges_of(matrix)))
    np.testing.assert_allclose(balanced.sum(axis=1), 1.0, rtol=1e-12)
    assert (balanced[matrix == 1] > 0).all()


def test_the_relaxed_solution_is_nearest_to_the_column_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a general optimiser: least Kullback-Leibler divergence of the column sums, rows exact."""
    from scipy.optimize import minimize

    monkeypatch.setattr("nfc.passes.balance.FLOOR", 1e-12)
    matrix = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]])
    factor = edges_of(matrix)
    target = len(matrix) / matrix.shape[1]

    def divergence(balanced: np.ndarray) -> float:
        sums = balanced.sum(axis=0)
        return float((target * np.log(target / sums) - target + sums).sum())

    def of_logits(logits: np.ndarray) -> float:
        exponential = np.zeros(matrix.shape)
        exponential[matrix == 1] = np.exp(logits)
        return divergence(exponential / exponential.sum(axis=1, keepdims=True))

    best = min(minimize(of_logits, np.random.default_rng(s).normal(size=matrix.sum())).fun for s in range(2))
    assert divergence(dense(factor, balance(factor))) <= best + 1e-6


def test_large_irregular_patterns_balance() -> None:
    table = np.sort(np.random.default_rng(0).random((20_000, 40)).argsort(axis=1)[:, :12], axis=1)
    table = table + np.arange(20_000)[:, None] // 40 * 40
    factor = FanIn(20_000, table)
    row, column = endpoints(factor)
    values = balance(factor).variances(row, column)
    np.testing.assert_allclose(np.bincount(row, weights=values), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.bincount(column, weights=values), 1.0, rtol=1e-8)


@pytest.mark.parametrize("factor", [random_pattern(0), edges_of(np.tri(9, 6, 2, dtype=int))])
def test_slices_of_the_edges_change_no_bit(factor: Factor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = edge_variance(factor, "balanced")
    deviations = edge_std(factor, whole.values)
    monkeypatch.setattr(components, "SLICE", 4)
    sliced = edge_variance(factor, "balanced")
    assert (sliced.fan_in, sliced.unbalanced) == (whole.fan_in, whole.unbalanced)
    np.testing.assert_array_equal(edge_std(factor, sliced.values), deviations)


def test_badly_unbalanced_inputs_are_named() -> None:
    whole = np.ones(64, bool)
    factor = Restricted(Kron(2, 32, 32, 1), whole, np.arange(33) < 33)
    found = edge_variance(factor, "balanced").unbalanced
    assert [index for index, _ in found] == [32]
    assert found[0][1] == pytest.approx(32 * 33 / 64, rel=0.05)


def test_fair_patterns_name_no_input() -> None:
    assert all(not edge_variance(random_pattern(seed), "balanced").unbalanced for seed in range(5))


def long_run(pattern: np.ndarray, rounds: int) -> np.ndarray:
    """Dense alternating scaling on logarithms, ending with rows."""
    rows, columns = (pattern.sum(axis=1) > 0).sum(), (pattern.sum(axis=0) > 0).sum()
    with np.errstate(divide="ignore"):
        logarithm = np.log(pattern)
    for _ in range(rounds):
        logarithm = logarithm - np.logaddexp.reduce(logarithm, axis=0, keepdims=True) + np.log(rows / columns)
        logarithm = logarithm - np.logaddexp.reduce(logarithm, axis=1, keepdims=True)
    return np.exp(logarithm)


def power_law(seed: int, size: int = 60, fan_in: int = 4) -> np.ndarray:
    """Few inputs are read often, most hardly ever; there is no perfect matching."""
    generator, matrix = np.random.default_rng(seed), np.zeros((size, size))
    weights = (1.0 + np.arange(size)) ** -1.5
    for row in matrix:
        row[generator.choice(size, fan_in, replace=False, p=weights / weights.sum())] = 1
    return matrix[:, matrix.sum(axis=0) > 0]


INFEASIBLE = {
    "triangle": np.array([[1, 1], [0, 1]]),
    "lower triangle": np.tril(np.ones((40, 40))),
    "causal window": np.tril(np.ones((40, 40))) - np.tril(np.ones((40, 40)), -5),
    "two blocks": np.kron(np.eye(2), np.ones((3, 5)))[:5],
    "sparse": (np.random.default_rng(3).random((60, 60)) < 0.04).astype(float) + np.eye(60, 60, 1),
    "power law": power_law(0),
    "power law, wide": power_law(1)[:35],
}


@pytest.mark.parametrize("name", INFEASIBLE)
def test_the_limit_of_endless_scaling_but_for_the_floor(name: str) -> None:
    """Edges that endless scaling starves have the floor, all neurons its sums within twice the floor."""
    pattern = INFEASIBLE[name][INFEASIBLE[name].sum(axis=1) > 0]
    pattern = pattern[:, pattern.sum(axis=0) > 0]
    limit, found = long_run(pattern, 3000), dense(edges_of(pattern), balance(edges_of(pattern)))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), limit.sum(axis=0), rtol=2 * FLOOR)
    floor = FLOOR * least_share(edges_of(pattern))
    assert (found >= floor * (1 - 1e-12)).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(9, 9), (12, 7), (6, 11)])
def test_edges_inside_blocks_are_those_that_can_carry_something(seed: int, shape: tuple[int, int]) -> None:
    """By linear programming: with the sums found, the greatest flow over an edge is 0 outside of the blocks.

    A row that sends something only to columns with the least sum among its own has nothing to even out.
    """
    generator = np.random.default_rng(seed)
    pattern = (generator.random(shape) < 0.3 * generator.random(shape[1])).astype(int)
    pattern[np.arange(shape[0]), generator.integers(shape[1], size=shape[0])] = 1
    found = feasible_blocks(edges_of(pattern).csr())
    assert found is not None
    row, column = np.nonzero(pattern)
    inside = found.rows[row] == found.columns[column]
    most = [greatest_flow(pattern, found.sums, edge) for edge in range(len(row))]
    np.testing.assert_array_equal(np.array(most) > 1e-7, inside)
    least = np.where(pattern > 0, found.sums, np.inf).min(axis=1)
    np.testing.assert_allclose(found.sums[column][inside], least[row][inside])


def greatest_flow(pattern: np.ndarray, sums: np.ndarray, edge: int) -> float:
    """The most that one edge carries where row sums are 1 and column sums `sums`."""
    row, column = np.nonzero(pattern)
    of_neuron = np.vstack([row == np.arange(len(pattern))[:, None], column == np.arange(len(sums))[:, None]])
    cost = -(np.arange(len(row)) == edge).astype(float)
    found = linprog(cost, A_eq=of_neuron.astype(float), b_eq=np.concatenate([np.ones(len(pattern)), sums]))
    assert found.success
    return -float(found.fun)


def test_a_hub_with_a_balance_is_balanced() -> None:
    """A ring in which all also read input 0: every column within 1 %, as a balance exists."""
    size = 300
    pattern = np.maximum(np.eye(size) + np.roll(np.eye(size), 1, axis=1), np.eye(1, size))
    matrix = dense(edges_of(pattern), balance(edges_of(pattern)))
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, rtol=0.01)


@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.integers(1, 14), st.floats(0.05, 0.9))
@settings(max_examples=150, deadline=None)
def test_any_pattern(seed: int, rows: int, cols: int, density: float) -> None:
    """Rows are exact; columns as even as a linear program can make them, but for the floor."""
    pattern = (np.random.default_rng(seed).random((rows, cols)) < density).astype(int)
    if not pattern.any():
        return
    matrix = dense(edges_of(pattern), balance(edges_of(pattern)))
    live, read = pattern.any(axis=1), pattern.any(axis=0)
    np.testing.assert_allclose(matrix.sum(axis=1), live, rtol=1e-12)
    assert (matrix[pattern == 1] > 0).all()
    sums, share = matrix.sum(axis=0)[read], live.sum() / read.sum()
    assert sums.max() <= evenest_maximum(pattern) + 0.02 * share


def evenest_maximum(pattern: np.ndarray) -> float:
    """The least possible greatest column sum for row sums of 1, by linear programming."""
    row, column = np.nonzero(pattern)
    of_row = (row == np.flatnonzero(pattern.any(axis=1))[:, None]).astype(float)
    of_column = (column == np.arange(pattern.shape[1])[:, None]).astype(float)
    cost = np.append(np.zeros(len(row)), 1.0)
    no_more = np.hstack([of_column, -np.ones((len(of_column), 1))])
    exact = np.hstack([of_row, np.zeros((len(of_row), 1))])
    return float(linprog(cost, no_more, np.zeros(len(no_more)), exact, np.ones(len(exact))).fun)
