"""Balanced variances against dense sums, and against an independent dense Sinkhorn."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.ir.factors import Factor, FanIn, Kron, Restricted
from nfc.passes.balance import FLOOR, balance
from nfc.passes.schemes import edge_variance
from tests.build import edges_of


def dense(factor: Factor, values: np.ndarray) -> np.ndarray:
    indptr, indices = factor.arrays()
    matrix = np.zeros(factor.shape)
    matrix[np.repeat(np.arange(factor.rows), np.diff(indptr)), indices] = values
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


@pytest.mark.parametrize("size", [2, 5, 64])
def test_mere_support_keeps_a_floor_under_every_edge(size: int) -> None:
    """A lower triangle has only the identity as its limit."""
    factor = edges_of(np.tril(np.ones((size, size), int)))
    matrix = dense(factor, balance(factor))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0, atol=0.1)
    fan_in = factor.fan_in()[:, None]
    assert (matrix * fan_in)[np.tril_indices(size)].min() >= FLOOR * (1 - 1e-12)
    assert np.diag(matrix).min() > 0.8


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

    def divergence(values: np.ndarray) -> float:
        sums = dense(factor, values).sum(axis=0)
        return float((target * np.log(target / sums) - target + sums).sum())

    def of_logits(logits: np.ndarray) -> float:
        exponential = dense(factor, np.exp(logits))
        exponential /= exponential.sum(axis=1, keepdims=True)
        return divergence(exponential[matrix == 1])

    best = min(minimize(of_logits, np.random.default_rng(s).normal(size=matrix.sum())).fun for s in range(2))
    assert divergence(balance(factor)) <= best + 1e-6


def test_large_irregular_patterns_balance() -> None:
    table = np.sort(np.random.default_rng(0).random((20_000, 40)).argsort(axis=1)[:, :12], axis=1)
    table = table + np.arange(20_000)[:, None] // 40 * 40
    values = balance(FanIn(20_000, table)).reshape(table.shape)
    np.testing.assert_allclose(values.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.bincount(table.reshape(-1), weights=values.reshape(-1)), 1.0, rtol=1e-8)


def test_badly_unbalanced_inputs_are_named() -> None:
    whole = np.ones(64, bool)
    factor = Restricted(Kron(2, 32, 32, 1), whole, np.arange(33) < 33)
    found = edge_variance(factor, "balanced").unbalanced
    assert [index for index, _ in found] == [32]
    assert found[0][1] == pytest.approx(32 * 33 / 64, rel=0.05)


def test_fair_patterns_name_no_input() -> None:
    assert all(not edge_variance(random_pattern(seed), "balanced").unbalanced for seed in range(5))
