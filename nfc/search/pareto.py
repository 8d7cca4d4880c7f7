"""The candidates that no other beats in everything."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[Sequence[float]]) -> list[int]:
    """The indices of the points that none dominates, in order.

    Args:
        costs: a row of numbers a point, each the better the smaller. A point dominates another that is
            nowhere smaller and somewhere larger; equal points stay together.
    """
    return [index for index, cost in enumerate(costs) if not any(_dominates(other, cost) for other in costs)]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)
