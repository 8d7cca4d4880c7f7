"""Which candidates of a rung go on."""

from __future__ import annotations

import pytest

from nfc.search.definitions import Definitions
from nfc.search.evaluation import Candidate
from nfc.search.facts import Facts
from nfc.search.search import Found, leaders, ranked
from nfc.search.subject import Subject


def candidate(depth: int) -> Candidate:
    facts = Facts("dense", "", "", 1, 1.0, depth, 1, True, 1.0)
    return Candidate(Subject("dense", 1, 1, Definitions.of()), facts)


@pytest.mark.parametrize(
    ("depths", "count", "of_each_depth", "expected"),
    [
        ([1, 1, 2, 1, 2, 3, 3, 2], 2, 1, [0, 1, 2, 5]),
        ([1, 1, 2, 1, 2, 3, 3, 2], 2, 2, [0, 1, 2, 4, 5, 6]),
        ([1, 1, 2, 1, 2, 3, 3, 2], 4, 1, [0, 1, 2, 3, 5]),
        ([4, 4, 4], 1, 1, [0]),
        ([], 3, 1, []),
    ],
)
def test_the_first_of_all_and_of_each_depth_go_on_in_order(
    depths: list[int], count: int, of_each_depth: int, expected: list[int]
) -> None:
    ranked = [candidate(depth) for depth in depths]
    chosen = leaders(ranked, count, of_each_depth)
    assert [ranked.index(each) for each in chosen] == expected


def found(topology: str, score: float, trainability: float, stderr: float = 0.0) -> Found:
    facts = Facts(topology, "", "", 1, 1.0, 1, 1, True, 1.0)
    return Found(facts, {"score": score, "trainability": trainability, "stderr": stderr})


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], ["best"]),
        ([found("tied", 0.4979, 0.6)], ["tied", "best"]),
        ([found("tied", 0.4979, 0.4)], ["best", "tied"]),
        ([found("behind", 0.494, 0.9)], ["best", "behind"]),
        ([found("unsure", 0.501, 0.9, stderr=0.03)], ["best", "unsure"]),
        ([found("tied", 0.4979, 0.6), found("near the tied", 0.494, 0.7)], ["tied", "best", "near the tied"]),
    ],
)
def test_scores_that_tie_with_the_best_are_told_apart_by_what_was_learned(
    others: list[Found], expected: list[str]
) -> None:
    order = [each.facts.topology for each in ranked([*others, found("best", 0.5, 0.5)])]
    assert order == expected


def test_a_ranking_of_nothing_is_empty() -> None:
    assert ranked([]) == []
