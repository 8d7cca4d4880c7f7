"""What a layer of a shape reaches with how many weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nfc.search.bounds import SHARE
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Candidate, Evaluation
from nfc.search.generators import GENERATORS
from nfc.search.measure import Effort
from nfc.search.place import Place
from nfc.search.subject import Subject

FAMILIES = ("dense", "random", "butterfly", "monarch", "expander", "lowrank")
"""Families that are tried where none are named."""

DEPTH = 4
"""Factors of a layer's topology at most."""

HALVINGS = 7
"""Budgets that are tried for a layer: its dense weights halved so often, beside the shares to compare with."""


@dataclass(frozen=True)
class Point:
    """A topology of a layer, its weights, and its score over the best of its shape's."""

    weights: int
    score: float
    topology: str


Curve = tuple[Point, ...]
"""Points by ascending weights, each with a better score than those before; never empty."""


def curve(
    rows: int,
    cols: int,
    shares: Iterable[int],
    definitions: Definitions,
    families: Sequence[str],
    effort: Effort,
    evaluation: Evaluation,
) -> Curve:
    """The best topologies of a shape at some budgets: those given, and fractions of the dense layer.

    Raises:
        NfcError: a result cannot be kept.
    """
    halves = {(rows * cols) >> halving for halving in range(HALVINGS + 1)}
    levels = sorted({min(share, rows * cols) for share in shares} | halves)
    places = [Place(rows, cols, max(level, 1), definitions) for level in levels]
    made = {place.budget: {name: set(GENERATORS[name](place)) for name in families} for place in places}
    members = {each for groups in made.values() for group in groups.values() for each in group}
    expressions = sorted(members, key=lambda each: (len(each), each))
    surveyed = evaluation.survey([Subject(each, rows, cols, definitions) for each in expressions])
    chosen: dict[str, Candidate] = {}
    for level, groups in made.items():
        for group in groups.values():
            within = (each for each in surveyed if each.facts.topology in group)
            chosen |= {each.facts.digest: each for each in _fullest(within, level)}
    found = list(chosen.values())
    points = [
        Point(candidate.facts.params, scores["score"], candidate.facts.topology)
        for candidate, scores in zip(found, evaluation.score(found, effort), strict=True)
        if scores is not None
    ]
    return rising(points)


def rising(points: Iterable[Point]) -> Curve:
    """The points that have a better score than all with fewer weights; scores are divided by the best."""
    found: list[Point] = []
    for point in sorted(points, key=lambda each: (each.weights, -each.score)):
        if not found or point.score > found[-1].score:
            found.append(point)
    best = found[-1].score if found else 0.0
    return tuple(replace(each, score=each.score / best if best > 0 else 0.0) for each in found)


def _fullest(candidates: Iterable[Candidate], level: int) -> Iterable[Candidate]:
    """Of each depth the candidate that spends the level best, if it spends enough of it."""
    best: dict[int, Candidate] = {}
    for each in candidates:
        facts = each.facts
        if SHARE * level <= facts.params <= level and facts.depth <= DEPTH:
            known = best.get(facts.depth)
            if known is None or known.facts.params < facts.params:
                best[facts.depth] = each
    return best.values()
