from itertools import product

import numpy as np
import pytest

from nfc.search.allocation import allocations, by_score, least_weights
from nfc.search.curves import Point, rising
from nfc.search.shares import erdos_renyi, uniform
from nfc.search.slots import Slot
from nfc.source import Source, Span


def slot(rows: int, cols: int, copies: int = 1) -> Slot:
    span = Span(Source("x.nf", ""), 0, 0)
    return Slot(tuple(f"linear{n}" for n in range(copies)), rows, cols, span, "dense", rows * cols)


@pytest.mark.parametrize("seed", range(20))
def test_the_division_by_score_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    slots = tuple(slot(8, 8, copies) for copies in random.integers(1, 4, 4))
    curves = [
        rising(
            Point(int(w), float(s), "t")
            for w, s in zip(random.integers(1, 60, 5), random.random(5), strict=True)
        )
        for _ in slots
    ]
    budget = least_weights(slots, curves) + int(random.integers(0, 200))
    found, *others = allocations(slots, curves, budget)
    best = max(
        sum(each.copies * point.score for each, point in zip(slots, points, strict=True))
        for points in product(*curves)
        if sum(each.copies * point.weights for each, point in zip(slots, points, strict=True)) <= budget
    )
    assert found.weights <= budget
    assert found.score * sum(each.copies for each in slots) == pytest.approx(best)
    assert all(each.score <= found.score or each.weights > budget for each in others)


def test_rounding_up_to_cells_keeps_to_a_large_budget() -> None:
    slots = (slot(1024, 1024), slot(1024, 1024, 3))
    curves = [tuple(Point(w, s, "t") for w, s in [(10_001, 0.1), (500_003, 0.7), (999_999, 1.0)])] * 2
    found = by_score(slots, curves, 2_600_000)
    assert found is not None
    assert [point.weights for point in found.points] == [999_999, 500_003]
    assert by_score(slots, curves, 30_000) is None


def test_uniform_shares_have_one_density() -> None:
    slots = (slot(10, 100), slot(100, 100, 2), slot(300, 100))
    shares = uniform(slots, 5100)
    assert [share / each.size for share, each in zip(shares, slots, strict=True)] == pytest.approx([0.1] * 3)
    assert uniform(slots, 10**6) == [each.size for each in slots]


def test_erdos_renyi_shares_follow_the_ends_and_stop_at_dense() -> None:
    slots = (slot(10, 10), slot(400, 400), slot(400, 100, 2))
    budget = 10_000
    shares = erdos_renyi(slots, budget)
    assert shares[0] == 100  # its share by ends alone would be more than dense: 10,000 · 20 / 1820
    assert shares[1] / shares[2] == pytest.approx(800 / 500, rel=1e-3)
    spent = sum(share * each.copies for share, each in zip(shares, slots, strict=True))
    assert budget - 3 <= spent <= budget
    assert erdos_renyi(slots, 10**6) == [each.size for each in slots]
