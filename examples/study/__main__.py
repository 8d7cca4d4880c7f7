"""The study of topologies: what they reach when trained, and whether the score foretells it.

`accuracy` trains every contender and prints what they reached. `rank` predicts, without training, and
compares the predictions with what is in the results. `figures` draws them. All go on where a run
before was stopped; results/ holds those of docs/study.md.

Run: python -m examples.study accuracy|rank|figures [--build build/study] [--tasks mnist/classify/rotated …]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from examples.study import accuracy, figures, predictors, rank, tables
from examples.study.topologies import contenders


def main(words: Sequence[str] | None = None) -> None:
    arguments = parse_arguments(words)
    arguments.build.mkdir(parents=True, exist_ok=True)
    {"accuracy": train, "rank": predict, "figures": draw}[arguments.command](arguments)


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("accuracy", "rank", "figures"))
    parser.add_argument("--build", type=Path, default=Path("build/study"), help="folder of the results")
    parser.add_argument("--figures", type=Path, default=Path("docs/figures"), help="folder of the figures")
    parser.add_argument("--tasks", nargs="+", help="as mnist/classify/rotated; all")
    parser.add_argument("--topologies", nargs="+", help="names of contenders; all")
    parser.add_argument("--seeds", type=int, default=accuracy.SEEDS)
    parser.add_argument("--steps", type=int, help="of training; those of the study")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    return parser.parse_args(words)


def train(arguments: argparse.Namespace) -> None:
    chosen = [
        each
        for each in accuracy.CONDITIONS
        if arguments.tasks is None or str(each).replace(" ", "/") in arguments.tasks
    ]
    wanted = accuracy.configurations(chosen, arguments.topologies, arguments.seeds, arguments.steps)
    outcomes = accuracy.measure(arguments.build / "accuracy.jsonl", [*wanted], arguments.jobs)
    print(tables.qualities(outcomes))


def predict(arguments: argparse.Namespace) -> None:
    outcomes = accuracy.read(arguments.build / "accuracy.jsonl")
    trained = {each.configuration.contender.name for each in outcomes}
    wanted = [each for each in contenders() if each.name in trained]
    predictions = predictors.measure(arguments.build / "predictions.jsonl", wanted)
    found = rank.rankings(rank.measured(outcomes, predictions))
    (arguments.build / "rankings.json").write_text(json.dumps([asdict(each) for each in found], indent=1))
    print(tables.rankings(found))


def draw(arguments: argparse.Namespace) -> None:
    outcomes = accuracy.read(arguments.build / "accuracy.jsonl")
    predictions = predictors.read(arguments.build / "predictions.jsonl")
    figures.plot_accuracy(outcomes, arguments.figures / "study_accuracy.svg")
    figures.plot_depth(outcomes, arguments.figures / "study_depth.svg")
    figures.plot_score([*rank.measured(outcomes, predictions)], arguments.figures / "study_score.svg")


if __name__ == "__main__":
    main()
