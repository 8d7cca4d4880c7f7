"""The search: candidates of all families, successive halving, and the score of those that are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nfc.score.score import EXPRESSED
from nfc.search.bounds import Bounds
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Candidate, Evaluation
from nfc.search.facts import Facts
from nfc.search.generators import candidates
from nfc.search.measure import Effort, Scores
from nfc.search.pareto import front
from nfc.search.place import Place
from nfc.search.subject import Subject

RUNGS = ((100, 10, 3), (200, 5, 1))
"""Successive halving (Jamieson and Talwalkar 2016): steps of the student, and how many go on from there.

The second number is of all, the third of each depth, since deep topologies learn slowly at first:
early on the shallow ones come first, and only those of one depth compare.
"""

TIE = 0.01
"""Of the best score: scores of two topologies that are closer say no more than the seed of the student.

Its standard deviation over seeds is half a per cent of the score at 1024 wide. What a student has
learned ranks as well as the score does, and is measured where the topology is used.
"""


@dataclass(frozen=True)
class Found:
    """A candidate that was scored.

    Attributes:
        leading: whether no other found beats it in weights, score, depth and predicted time.
    """

    facts: Facts
    scores: Scores
    leading: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a search found, best first, and how many candidates there were before and after the bounds."""

    found: tuple[Found, ...]
    considered: int
    admitted: int


def search(subjects: Sequence[Subject], bounds: Bounds, effort: Effort, evaluation: Evaluation) -> Verdict:
    """The best topologies that keep to the bounds.

    Raises:
        NfcError: a result cannot be kept.
    """
    surveyed = evaluation.survey(subjects)
    admitted = [each for each in surveyed if bounds.admit(each.facts)]
    finalists = _finalists(admitted, effort, evaluation)
    results = evaluation.score(finalists, effort)
    found = [
        Found(each.facts, result)
        for each, result in zip(finalists, results, strict=True)
        if result is not None
    ]
    leading = set(front([_costs(each.facts, each.scores) for each in found]))
    marked = [replace(each, leading=number in leading) for number, each in enumerate(found)]
    return Verdict(tuple(ranked(marked)), len(surveyed), len(admitted))


def standard_subjects(
    rows: int, cols: int, bounds: Bounds, definitions: Definitions, families: tuple[str, ...] = ()
) -> list[Subject]:
    """The candidates of some families, or of all, at each level of the budget."""
    expressions: dict[str, None] = {}
    for budget in bounds.levels():
        expressions |= dict.fromkeys(candidates(Place(rows, cols, budget, definitions), families))
    return [Subject(each, rows, cols, definitions) for each in expressions]


def ranked(found: Sequence[Found]) -> list[Found]:
    """Best first, by the score; those that tie with the best, by how much of a random map they learned."""
    by_score = sorted(
        found, key=lambda each: (-cautious(each.scores), each.facts.params, each.facts.topology)
    )
    if not by_score:
        return []
    least = (1.0 - TIE) * cautious(by_score[0].scores)
    tied = [each for each in by_score if cautious(each.scores) >= least]
    return [*sorted(tied, key=lambda each: -each.scores["trainability"]), *by_score[len(tied) :]]


def cautious(scores: Scores) -> float:
    """The score less a standard error: a controllability foretold from far smaller widths can be far off."""
    return scores["score"] - EXPRESSED * scores.get("stderr", 0.0)


def _finalists(admitted: Sequence[Candidate], effort: Effort, evaluation: Evaluation) -> list[Candidate]:
    """Those that are still in after every rung."""
    left = list(admitted)
    for steps, count, of_each_depth in RUNGS:
        if len(left) > count:
            looks = evaluation.score(left, replace(effort, targets=1, steps=steps))
            seen = [(each, look) for each, look in zip(left, looks, strict=True) if look is not None]
            seen.sort(key=lambda pair: -pair[1]["score"])
            left = leaders([each for each, _ in seen], count, of_each_depth)
    return left


def leaders(order: Sequence[Candidate], count: int, of_each_depth: int) -> list[Candidate]:
    """The first of a ranking, and the first of each depth, in its order."""
    seen: Counter[int] = Counter()
    chosen = []
    for place, each in enumerate(order):
        seen[each.facts.depth] += 1
        if place < count or seen[each.facts.depth] <= of_each_depth:
            chosen.append(each)
    return chosen


def _costs(facts: Facts, scores: Scores) -> tuple[float, float, float, float]:
    return facts.params, -cautious(scores), facts.depth, facts.seconds
