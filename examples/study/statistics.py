"""Rank correlations and what bounds them, of predictions and measured qualities of topologies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

RESAMPLES = 2000
ROUNDING = 1e-9
"""Residuals of ranks below this share of their number are none."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def ranks(values: Array) -> Array:
    """Ranks from 1, ties sharing their mean; along the last axis."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=-1))


def correlation(x: Array, y: Array) -> Array:
    """Pearson's, along the last axis; 0 where one side is constant."""
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in (x, y))
    power = np.sqrt(np.sum(x * x, axis=-1) * np.sum(y * y, axis=-1))
    return np.asarray(np.divide(np.sum(x * y, axis=-1), power, out=np.zeros_like(power), where=power > 0.0))


def spearman(x: Array, y: Array) -> Array:
    """Rank correlation along the last axis."""
    return correlation(ranks(x), ranks(y))


def partial_spearman(x: Array, y: Array, controls: Sequence[Array]) -> Array:
    """Correlation of what is left of two rankings when the rankings of the controls are regressed out.

    Along the last axis; 0 where a ranking is that of the controls, so that nothing is left.
    """
    design = np.stack([np.ones_like(x), *(ranks(each) for each in controls)], axis=-1)
    both = np.stack([ranks(x), ranks(y)], axis=-1)
    left = both - design @ (np.linalg.pinv(design) @ both)
    left[np.abs(left) < ROUNDING * x.shape[-1]] = 0.0
    return correlation(left[..., 0], left[..., 1])


def bootstrap(
    statistic: Callable[[list[Indices]], Array], strata: Sequence[int], *, seed: int = 0
) -> Interval:
    """A statistic with its 95 % percentile interval over draws with replacement from each stratum.

    Args:
        statistic: from the numbers of the items that are chosen in each stratum, [draws, items] each,
            to [draws].
        strata: the number of items in each.
    """
    generator = np.random.default_rng(seed)
    drawn = statistic([generator.integers(count, size=(RESAMPLES, count)) for count in strata])
    low, high = np.quantile(drawn, [0.025, 0.975])
    (value,) = statistic([np.arange(count)[None, :] for count in strata])
    return Interval(float(value), float(low), float(high))


def ceiling(qualities: Array) -> float:
    """The highest rank correlation that seeds' noise lets a perfect prediction reach.

    The mean of half of the seeds against that of the others, over all such splits; by Spearman and
    Brown (1910) the reliability of the mean of all seeds follows, and its root bounds the correlation.

    Args:
        qualities: [topologies, seeds], two seeds at least.
    """
    seeds = qualities.shape[1]
    halves = []
    for chosen in combinations(range(seeds), seeds // 2):
        others = [seed for seed in range(seeds) if seed not in chosen]
        halves.append(spearman(qualities[:, list(chosen)].mean(axis=1), qualities[:, others].mean(axis=1)))
    half = max(0.0, float(np.mean(halves)))
    return sqrt(2.0 * half / (1.0 + half))


def regret(prediction: Array, quality: Array) -> float:
    """How far the first choice of a prediction is below the best quality."""
    return float(quality.max() - quality[int(np.argmax(prediction))])
