"""How well predictions rank topologies: against what they reached, over all and among equal weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from examples.study import statistics
from examples.study.data import Condition
from examples.study.predictors import Prediction
from examples.study.statistics import Interval
from examples.study.topologies import GROUPS
from examples.study.training import Outcome

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

PREDICTORS = (
    "score", "trainability", "controllability", "weights", "density", "depth", "spectral_gap", "ramanujan",
    "path_norm", "synflow",
)  # fmt: skip
NOTHING = Interval(nan, nan, nan)
LEAST_GROUP = 8
"""Groups of equal weights count in `within` from so many topologies on."""


@dataclass(frozen=True)
class Measured:
    """Topologies with what they reached under one condition.

    Attributes:
        predictions: of the topologies, in the order of the rows.
        qualities: [topologies, seeds].
        groups: the rows of each group of about equal weights.
    """

    condition: str
    predictions: tuple[Prediction, ...]
    qualities: Array
    groups: dict[str, Indices]

    @property
    def quality(self) -> Array:
        """Means over seeds, [topologies]."""
        return np.asarray(self.qualities.mean(axis=1))

    def predicted(self, name: str) -> Array:
        return np.array([getattr(each, name) for each in self.predictions], float)


@dataclass(frozen=True)
class Ranking:
    """How one predictor fared under one condition.

    Attributes:
        overall: rank correlation over all topologies.
        within: its mean over the groups of equal weights, by their sizes.
        partial: rank correlation given the logarithm of weights and the depth.
        overall_ceiling, within_ceiling: what the noise of seeds lets a perfect prediction reach.
        regret: of the first choice in each group, the mean over the groups, in points of accuracy or R².
        worst_regret: the greatest of them.
    """

    condition: str
    predictor: str
    topologies: int
    overall: Interval
    within: Interval
    partial: Interval
    overall_ceiling: float
    within_ceiling: float
    regret: float
    worst_regret: float


def measured(outcomes: Iterable[Outcome], predictions: Sequence[Prediction]) -> Iterator[Measured]:
    """What was reached under each condition by the topologies that have been trained with all of its seeds."""
    found: dict[Condition, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for outcome in outcomes:
        run = outcome.configuration
        if run.contender.is_topology:
            found[run.condition][run.contender.name][run.seed] = outcome.quality
    for condition, reached in found.items():
        seeds = max(map(len, reached.values()))
        complete = [each for each in predictions if each.name != "dense" and len(reached[each.name]) == seeds]
        if complete and seeds > 1:
            qualities = [
                [reached[each.name][seed] for seed in sorted(reached[each.name])] for each in complete
            ]
            names = [each.name for each in complete]
            groups = {group: rows_of(members, names) for group, members in GROUPS.items()}
            yield Measured(str(condition), tuple(complete), np.array(qualities), groups)


def rows_of(members: Sequence[str], names: Sequence[str]) -> Indices:
    return np.array([names.index(member) for member in members if member in names], np.int64)


def rankings(conditions: Iterable[Measured]) -> list[Ranking]:
    return [ranking(each, predictor) for each in conditions for predictor in PREDICTORS]


def ranking(of: Measured, predictor: str) -> Ranking:
    predicted, quality = of.predicted(predictor), of.quality
    controls = (np.log(of.predicted("weights")), of.predicted("depth"))
    groups = [rows for rows in of.groups.values() if len(rows) >= LEAST_GROUP]
    sizes = [len(rows) for rows in groups]

    def overall(chosen: list[Indices]) -> Array:
        return statistics.spearman(predicted[chosen[0]], quality[chosen[0]])

    def partial(chosen: list[Indices]) -> Array:
        given = [each[chosen[0]] for each in controls]
        return statistics.partial_spearman(predicted[chosen[0]], quality[chosen[0]], given)

    def within(chosen: list[Indices]) -> Array:
        members = [rows[some] for rows, some in zip(groups, chosen, strict=True)]
        found = [statistics.spearman(predicted[each], quality[each]) for each in members]
        return np.asarray(np.average(found, axis=0, weights=sizes))

    regrets = [100.0 * statistics.regret(predicted[rows], quality[rows]) for rows in groups]
    ceilings = [statistics.ceiling(of.qualities[rows]) for rows in groups]
    return Ranking(
        condition=of.condition,
        predictor=predictor,
        topologies=len(quality),
        overall=statistics.bootstrap(overall, [len(quality)]),
        within=statistics.bootstrap(within, sizes) if groups else NOTHING,
        partial=statistics.bootstrap(partial, [len(quality)]),
        overall_ceiling=statistics.ceiling(of.qualities),
        within_ceiling=float(np.average(ceilings, weights=sizes)) if groups else nan,
        regret=float(np.mean(regrets)) if groups else nan,
        worst_regret=max(regrets, default=nan),
    )
