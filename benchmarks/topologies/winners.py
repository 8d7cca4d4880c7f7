"""What `nfc search` finds over all standard families, budget by budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.topologies.members import SCORED_WIDTH
from nfc.search.bounds import SHARE, Bounds
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Evaluation
from nfc.search.measure import Effort
from nfc.search.results import Results
from nfc.search.search import search, standard_subjects
from nfc.search.workers import Workers

BUDGETS = (2048, 4096, 8192, 16384)
"""Weights. With more the search foretells controllability from smaller widths, and errs by more than candidates differ."""
SHOWN = 3
"""Topologies a budget."""


@dataclass(frozen=True)
class Winner:
    """One of the best within a budget of weights."""

    budget: int
    topology: str
    weights: int
    depth: int
    score: float
    controllability: float


def winners(jobs: int) -> Iterator[Winner]:
    """The best of each budget at SCORED_WIDTH, best first."""
    with Workers(jobs).running() as run:
        evaluation = Evaluation(run, Results(), lambda doing, done, total: None)
        for budget in BUDGETS:
            bounds = Bounds(params=budget, least=int(SHARE * budget))
            subjects = standard_subjects(SCORED_WIDTH, SCORED_WIDTH, bounds, Definitions.of())
            found = search(subjects, bounds, Effort(targets=1, seed=0), evaluation).found
            for each in found[:SHOWN]:
                facts, scores = each.facts, each.scores
                yield Winner(
                    budget,
                    facts.topology,
                    facts.params,
                    facts.depth,
                    scores["score"],
                    scores["controllability"],
                )
