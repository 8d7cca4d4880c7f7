"""The study's statistics against SciPy and closed forms."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from examples.study import statistics


def ties(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.integers(6, size=count).astype(float)
    return x, x + random.integers(5, size=count)


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    x, y = ties(20, seed)
    assert statistics.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    assert statistics.spearman(np.ones(5), np.arange(5.0)) == 0.0


def test_partial_correlation_with_one_control_is_the_textbook_formula() -> None:
    random = np.random.default_rng(1)
    x, y, z = random.normal(size=(3, 40))
    x, y = x + z, y + z
    xy, xz, yz = (stats.spearmanr(a, b).statistic for a, b in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / sqrt((1 - xz**2) * (1 - yz**2))
    assert statistics.partial_spearman(x, y, [z]) == pytest.approx(expected)


def test_partial_correlation_given_the_same_ranking_is_nothing() -> None:
    x = np.arange(9.0)
    assert statistics.partial_spearman(x, x**2, [x]) == pytest.approx(0.0, abs=1e-6)


def test_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(2).normal(size=400)
    found = statistics.bootstrap(lambda chosen: values[chosen[0]].mean(axis=-1), [len(values)])
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_strata_are_drawn_apart() -> None:
    shapes: list[list[tuple[int, ...]]] = []

    def least(chosen: list[np.ndarray]) -> np.ndarray:
        shapes.append([each.shape for each in chosen])
        assert (chosen[1] == 0).all()
        return chosen[0].min(axis=-1) + chosen[1].max(axis=-1)

    found = statistics.bootstrap(least, [3, 1])
    assert shapes == [[(statistics.RESAMPLES, 3), (statistics.RESAMPLES, 1)], [(1, 3), (1, 1)]]
    assert (found.value, found.low, found.high) == (0.0, 0.0, 2.0)


def test_the_ceiling_is_1_without_noise_and_what_was_put_in_with_it() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(size=2000)
    assert statistics.ceiling(np.tile(truth[:, None], 4)) == pytest.approx(1.0)
    noisy = truth[:, None] + 2.0 * random.normal(size=(2000, 4))
    assert statistics.ceiling(noisy) == pytest.approx(
        stats.spearmanr(truth, noisy.mean(axis=1)).statistic, abs=0.02
    )


def test_regret_is_what_the_first_choice_lacks() -> None:
    assert statistics.regret(np.array([0.1, 0.9, 0.5]), np.array([0.95, 0.90, 0.93])) == pytest.approx(0.05)
