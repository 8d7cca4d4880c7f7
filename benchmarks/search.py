"""Is the winner of `nfc search` a good choice? Trained beside random candidates of the same budget.

All candidates within the budget at one width, a square, are searched without data; the winner and `--count`
others, drawn at random, are then trained as students in place on a task of the study that needs the full width,
MNIST images rebuilt under another rotation, `--seeds` times each. Prints what they reached with the
spread over seeds, and writes search.csv.

Run: python -m benchmarks.search [--width 256] [--params 8k] [--count 20] [--seeds 3] [--steps 400] [--jobs 2] [--build build/benchmarks]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np

from benchmarks.report import markdown
from examples.study.data import Condition
from examples.study.topologies import Contender
from examples.study.training import Configuration, outcome_of, usual_steps
from nfc.cli.options import count
from nfc.search.bounds import SHARE, Bounds
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Candidate, Evaluation
from nfc.search.measure import Effort
from nfc.search.results import Results
from nfc.search.search import search, standard_subjects
from nfc.search.workers import Run, Workers


@dataclass(frozen=True)
class Row:
    """A topology trained: R² on test images, its mean over seeds and the standard deviation."""

    topology: str
    weights: int
    winner: bool
    mean: float
    spread: float


def main() -> None:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    with Workers(arguments.jobs).running() as run:
        winner, others = chosen(arguments, run)
        rows = trained([winner, *others], arguments, run)
    rows.sort(key=lambda row: -row.mean)
    cells = [
        (row.topology, str(row.weights), f"{row.mean:.4f} ± {row.spread:.4f}", "*" if row.winner else "")
        for row in rows
    ]
    print(markdown(("topology", "weights", "R²", "winner"), cells))
    with (arguments.build / "search.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row.__annotations__)
        writer.writerows(vars(row).values() for row in rows)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--width", type=int, default=256, help="inputs and outputs: the pixels of square images"
    )
    parser.add_argument("--params", type=count, default=8192, help="the budget of weights")
    parser.add_argument("--count", type=int, default=20, help="random candidates")
    parser.add_argument("--seeds", type=int, default=3, help="of weights and batches")
    parser.add_argument("--steps", type=int, help="of training")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if isqrt(arguments.width) ** 2 != arguments.width:
        parser.error("--width is a square, such as 256 or 1024")
    return arguments


def chosen(arguments: argparse.Namespace, run: Run) -> tuple[Candidate, list[Candidate]]:
    """The winner of the search, and candidates drawn at random from all within the bounds."""
    bounds = Bounds(params=arguments.params, least=int(SHARE * arguments.params))
    evaluation = Evaluation(run, Results(), lambda doing, done, total: None)
    subjects = standard_subjects(arguments.width, arguments.width, bounds, Definitions.of())
    best = search(subjects, bounds, Effort(targets=1, seed=0), evaluation).found[0].facts
    admitted = [each for each in evaluation.survey(subjects) if bounds.admit(each.facts)]
    others = [each for each in admitted if each.facts.digest != best.digest]
    (winner,) = (each for each in admitted if each.facts.digest == best.digest)
    drawn = np.random.default_rng(0).permutation(len(others))[: arguments.count]
    return winner, [others[number] for number in drawn]


def trained(candidates: Sequence[Candidate], arguments: argparse.Namespace, run: Run) -> list[Row]:
    """Each candidate trained with every seed."""
    condition = Condition("mnist", "reconstruct", "rotated", isqrt(arguments.width))
    steps = arguments.steps or usual_steps(condition)
    tasks = [
        Configuration(condition, Contender(each.facts.topology, "found", arguments.width), seed, steps)
        for each in candidates
        for seed in range(arguments.seeds)
    ]
    reached = np.empty(len(tasks))
    for number, outcome in run(outcome_of, tasks):
        reached[number] = outcome.quality
    reached = reached.reshape(len(candidates), arguments.seeds)
    return [
        Row(each.facts.topology, each.facts.params, number == 0, float(row.mean()), float(row.std()))
        for number, (each, row) in enumerate(zip(candidates, reached, strict=True))
    ]


if __name__ == "__main__":
    main()
