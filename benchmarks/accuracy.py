"""The examples against their dense twins: one recipe for both, trained to the end, several seeds.

    python -m benchmarks.accuracy
    python -m benchmarks.accuracy resnet mixer --seeds 1

Each network is trained by `examples/train.py` into a folder of its own under `--build`. What is trained
already is not trained again, and a run that was stopped goes on where it was, so this may be killed and
called again with more names or seeds.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import nfc
from benchmarks.report import markdown

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Recipe:
    """What an example and its twin have in common; the rest are the defaults of `train.py`."""

    steps: int
    batch: int


RECIPES = {"resnet": Recipe(2000, 50), "mixer": Recipe(1000, 50), "gpt": Recipe(1000, 16)}


@dataclass(frozen=True)
class Result:
    """One network over all seeds.

    Attributes:
        weights: all trained numbers.
        layers: those of its linear layers and convolutions.
        accuracies, losses: on the test samples at the end, a number a seed; shares and nats.
    """

    weights: int
    layers: int
    accuracies: tuple[float, ...]
    losses: tuple[float, ...]


def main() -> None:
    arguments = parse_arguments()
    pairs = {name: [result(spec, arguments) for spec in specs(name)] for name in arguments.names}
    print(table(pairs))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all if absent")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each network")
    parser.add_argument("--build", type=Path, default=Path("build/accuracy"), help="folder of all written")
    arguments = parser.parse_args()
    arguments.names = arguments.names or list(RECIPES)
    if unknown := [name for name in arguments.names if name not in RECIPES]:
        parser.error(f"there is no recipe for {', '.join(unknown)}; expected {', '.join(RECIPES)}")
    return arguments


def specs(name: str) -> tuple[Path, Path]:
    """The example and its dense twin."""
    return EXAMPLES / f"{name}.nf", EXAMPLES / "dense" / f"{name}.nf"


def result(spec: Path, arguments: argparse.Namespace) -> Result:
    found = [trained(spec, arguments.build, seed) for seed in range(arguments.seeds)]
    network = nfc.load(spec).network
    return Result(
        network.params,
        sum(layer.params for layer in network.layers),
        tuple(each["test_accuracy"] for each in found),
        tuple(each["test_loss"] for each in found),
    )


def trained(spec: Path, build: Path, seed: int) -> dict[str, float]:
    """The last value of each name in the log of a training."""
    recipe = RECIPES[spec.stem]
    folder = build / spec.relative_to(EXAMPLES).with_suffix("") / str(seed)
    options = {
        "--build": folder,
        "--steps": recipe.steps,
        "--batch": recipe.batch,
        "--seed": seed,
        "--evaluate-every": recipe.steps,
    }
    words = [str(word) for option in options.items() for word in option]
    subprocess.run([sys.executable, str(EXAMPLES / "train.py"), str(spec), *words], check=True)
    with (folder / "log.csv").open(newline="") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


def table(pairs: dict[str, list[Result]]) -> str:
    """A row an example; the difference is the mean over seeds, each against the twin of the same seed."""
    titles = (
        "example", "steps × batch", "weights", "of dense", "of its layers",
        "accuracy, %", "dense's", "points behind", "loss", "dense's", "above",
    )  # fmt: skip
    return markdown(titles, [row(name, *pair) for name, pair in pairs.items()])


def row(name: str, sparse: Result, dense: Result) -> tuple[str, ...]:
    recipe = RECIPES[name]
    behind = [100 * (theirs - mine) for mine, theirs in zip(sparse.accuracies, dense.accuracies, strict=True)]
    return (
        f"`{name}`",
        f"{recipe.steps} × {recipe.batch}",
        f"{sparse.weights:,}",
        f"{sparse.weights / dense.weights:.1%}",
        f"{sparse.layers / dense.layers:.1%}",
        spread([100 * share for share in sparse.accuracies], 2),
        spread([100 * share for share in dense.accuracies], 2),
        spread(behind, 2),
        spread(sparse.losses, 4),
        spread(dense.losses, 4),
        f"{mean(sparse.losses) / mean(dense.losses) - 1:.1%}",
    )


def spread(values: list[float] | tuple[float, ...], digits: int) -> str:
    """Their mean, and the standard deviation of one of them."""
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


if __name__ == "__main__":
    main()
