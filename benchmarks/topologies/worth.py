"""What each requirement is worth in trained networks: the study's topologies of equal weights.

Freedom cannot be measured at the study's width, so of `no waste` dead and duplicate neurons count alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks.topologies.requirements import REQUIREMENTS, met
from examples.study.topologies import GROUPS, WIDTH, fabric

RESULTS = Path("examples/study/results/accuracy.jsonl")
PREDICTIONS = RESULTS.with_name("predictions.jsonl")
TASK = "mnist", "reconstruct", "rotated"
"""The task whose targets need the full width, on inputs whose order says nothing."""
COMPARED = ("4k", "8k", "16k")
"""Groups of equal weights that are large enough to compare."""


CORE = frozenset(("few hops", "full bandwidth", "mixing"))
"""What is worth most; the others are compared among topologies that meet it as well."""


@dataclass(frozen=True)
class Worth:
    """What a requirement is worth.

    Attributes:
        given: what all topologies compared meet besides.
        with_it, without_it: topologies, in all groups where there are both.
        difference: of the mean R² with it and without it, in points, the mean over those groups.
    """

    requirement: str
    given: tuple[str, ...]
    with_it: int
    without_it: int
    difference: float


def worths(results: Path = RESULTS) -> list[Worth]:
    """For each requirement among all topologies of equal weights, then among those that meet the core."""
    reached = quality(results)
    held = {
        topology: met(topology, WIDTH, without="freedom") for group in COMPARED for topology in GROUPS[group]
    }
    found = [
        compared(requirement.title, given, held, reached)
        for requirement in REQUIREMENTS
        for given in (frozenset[str](), CORE - {requirement.title})
    ]
    return [each for each in found if each is not None]


def compared(
    title: str, given: frozenset[str], held: Mapping[str, Mapping[str, bool]], reached: Mapping[str, float]
) -> Worth | None:
    """What a requirement is worth among topologies that meet others; None where no group has both sides."""
    differences, counts = [], [0, 0]
    for group in COMPARED:
        sides: dict[bool, list[float]] = {True: [], False: []}
        for topology in GROUPS[group]:
            if all(held[topology][other] for other in given):
                sides[held[topology][title]].append(reached[topology])
        if all(sides.values()):
            differences.append(100.0 * (mean(sides[True]) - mean(sides[False])))
            counts = [counts[0] + len(sides[True]), counts[1] + len(sides[False])]
    return Worth(title, tuple(sorted(given)), *counts, mean(differences)) if differences else None


def best(
    predictions: Path = PREDICTIONS, results: Path = RESULTS, *, count: int = 4
) -> list[dict[str, object]]:
    """Of each group the topologies that reach most, with their score and R², best first."""
    reached = quality(results)
    records = [json.loads(line) for line in predictions.read_text("utf-8").splitlines()]
    scores = {record["name"]: record["score"] for record in records}
    return [
        {
            "weights": group,
            "topology": topology,
            "depth": int(fabric(topology).depth),
            "score": scores[topology],
            "quality": reached[topology],
        }
        for group in COMPARED
        for topology in sorted(GROUPS[group], key=lambda each: -reached[each])[:count]
    ]


def quality(results: Path) -> dict[str, float]:
    """What each topology reaches on the task, the mean over seeds."""
    reached: dict[str, list[float]] = defaultdict(list)
    for line in results.read_text("utf-8").splitlines():
        record = json.loads(line)
        if (record["data_set"], record["task"], record["form"]) == TASK:
            reached[record["via"]].append(record["quality"])
    return {topology: mean(values) for topology, values in reached.items()}
