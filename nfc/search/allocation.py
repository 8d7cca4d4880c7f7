"""Dividing a budget of weights over the layers of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nfc.search.curves import Curve, Point
from nfc.search.shares import erdos_renyi, uniform
from nfc.search.slots import Slot

CELLS = 4096
"""Steps of the budget among which the best division is sought."""

METHODS = ("score", "uniform", "erdos_renyi")
"""By what a budget is divided; the first is what is written where nothing else is asked for."""


@dataclass(frozen=True)
class Allocation:
    """A topology for every slot, in order.

    Attributes:
        by: one of METHODS.
    """

    by: str
    slots: tuple[Slot, ...]
    points: tuple[Point, ...]

    @property
    def weights(self) -> int:
        """Of all layers."""
        return sum(slot.copies * point.weights for slot, point in self._pairs())

    @property
    def score(self) -> float:
        """The mean score of the layers."""
        layers = sum(slot.copies for slot in self.slots)
        return sum(slot.copies * point.score for slot, point in self._pairs()) / layers

    def _pairs(self) -> list[tuple[Slot, Point]]:
        return list(zip(self.slots, self.points, strict=True))


def least_weights(slots: Sequence[Slot], curves: Sequence[Curve]) -> int:
    """The weights of the cheapest topologies of all layers."""
    return sum(slot.copies * curve[0].weights for slot, curve in zip(slots, curves, strict=True))


def by_shares(
    by: str,
    share: Callable[[Sequence[Slot], int], list[int]],
    slots: tuple[Slot, ...],
    curves: Sequence[Curve],
    budget: int,
) -> Allocation:
    """For each layer the best topology that its share pays; the cheapest where it pays none."""
    points = [
        next((point for point in reversed(curve) if point.weights <= weights), curve[0])
        for curve, weights in zip(curves, share(slots, budget), strict=True)
    ]
    return Allocation(by, slots, tuple(points))


def by_score(slots: tuple[Slot, ...], curves: Sequence[Curve], budget: int) -> Allocation | None:
    """Topologies that make the sum of the layers' scores as large as a budget allows; None where it pays none.

    A knapsack with a choice a layer, solved by dynamic programming over the budget in `CELLS` steps, to
    which weights are rounded up.
    """
    cell = -(-budget // CELLS)
    best = np.zeros(budget // cell + 1)
    choices = []
    for slot, curve in zip(slots, curves, strict=True):
        options = np.full((len(curve), len(best)), -np.inf)
        for option, point in zip(options, curve, strict=True):
            cost = -(-slot.copies * point.weights // cell)
            if cost < len(best):
                option[cost:] = best[: len(best) - cost] + slot.copies * point.score
        choices.append(options.argmax(axis=0))
        best = options.max(axis=0)
    if best[-1] == -np.inf:
        return None
    left, points = len(best) - 1, []
    for slot, curve, choice in reversed(list(zip(slots, curves, choices, strict=True))):
        points.append(curve[choice[left]])
        left -= -(-slot.copies * points[-1].weights // cell)
    return Allocation("score", slots, tuple(reversed(points)))


def allocations(slots: tuple[Slot, ...], curves: Sequence[Curve], budget: int) -> tuple[Allocation, ...]:
    """The budget, at least `least_weights`, divided by each of METHODS."""
    others = (
        by_shares("uniform", uniform, slots, curves, budget),
        by_shares("erdos_renyi", erdos_renyi, slots, curves, budget),
    )
    cheapest = Allocation("score", slots, tuple(curve[0] for curve in curves))
    options = [by_score(slots, curves, budget), *others, cheapest]
    paid = [each for each in options if each is not None and each.weights <= budget]
    best = max(paid, key=lambda each: each.score)
    return (replace(best, by="score"), *others)
