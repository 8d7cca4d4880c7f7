"""Every example from its .nf file to two runtimes: check, compile, train, export with trained weights, compare.

    python examples/run_all.py
    python examples/run_all.py resnet mixer gpt --steps 150 --batch 50 --twins

The first line is `make examples`, with a few steps each. With `--twins` the dense network of
`examples/dense` is trained beside each example, by the same recipe.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from demo import console, import_emitted, nfc, run_onnx, run_torch, shown_path
from rich.table import Table
from safetensors.torch import load_file
from tasks import Task, task_for

HERE = Path(__file__).parent
NAMES = ("mlp", "resnet", "mobilenet", "mixer", "vit", "gpt")
SAMPLES = 50
"""Test samples that both runtimes compute."""
TOLERANCE = 1e-4
"""Greatest difference between the runtimes, as a share of the greatest output."""


@dataclass(frozen=True)
class Outcome:
    """One network trained and run: what a row of the table shows.

    Attributes:
        name: the file, from the folder of examples.
        weights: all trained numbers.
        seconds: of training, with its start and its tests.
        loss, accuracy: on the test samples, in nats and as a share.
        difference: between torch and ONNX Runtime, as a share of the greatest output.
    """

    name: str
    weights: int
    seconds: float
    loss: float
    accuracy: float
    difference: float


def main() -> int:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    outcomes = {name: run(name, arguments) for name in specs(arguments)}
    console.print(table(outcomes))
    apart = [name for name, outcome in outcomes.items() if outcome.difference > TOLERANCE]
    for name in apart:
        console.print(f"[red]{name}: torch and ONNX Runtime disagree[/red]")
    return 1 if apart else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if absent")
    parser.add_argument("--build", type=Path, default=Path("build/examples"), help="folder of all written")
    parser.add_argument("--steps", type=int, default=20, help="training steps of each network")
    parser.add_argument("--batch", type=int, default=50, help="samples of a step")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    parser.add_argument("--twins", action="store_true", help="train the dense twins too")
    arguments = parser.parse_args()
    arguments.names = arguments.names or list(NAMES)
    if unknown := [name for name in arguments.names if name not in NAMES]:
        parser.error(f"no example is called {', '.join(unknown)}; expected {', '.join(NAMES)}")
    return arguments


def specs(arguments: argparse.Namespace) -> list[str]:
    """The networks to run, each before its twin."""
    folders = ("", "dense/") if arguments.twins else ("",)
    return [f"{folder}{name}" for name in arguments.names for folder in folders]


def run(name: str, arguments: argparse.Namespace) -> Outcome:
    """Take one network all the way; what is written lies in a folder of its own."""
    spec, build = HERE / f"{name}.nf", arguments.build / name
    nfc("check", shown_path(spec), "--quiet")
    started = time.perf_counter()
    train(spec, build, arguments)
    seconds = time.perf_counter() - started
    weights, model_file = build / "weights.safetensors", build / f"{spec.stem}.onnx"
    nfc("compile", shown_path(spec), "--to", "onnx", "--weights", weights, "-o", model_file, "--quiet")

    model = import_emitted(build / f"{spec.stem}.py")
    model.load_state_dict(load_file(weights))
    inputs, _ = task_of(spec).batch(torch.arange(SAMPLES), True)
    expected = run_torch(model.eval(), inputs)
    found = run_onnx(model_file, inputs)
    measured = last_values(build / "log.csv")
    return Outcome(
        name=name,
        weights=sum(parameter.numel() for parameter in model.parameters()),
        seconds=seconds,
        loss=measured["test_loss"],
        accuracy=measured["test_accuracy"],
        difference=float(np.abs(found - expected).max() / np.abs(expected).max()),
    )


def train(spec: Path, build: Path, arguments: argparse.Namespace) -> None:
    """Train by `train.py`, which writes the emitted module, the log and the weights into `build`."""
    (build / "checkpoint.pt").unlink(missing_ok=True)  # of another recipe, it may be
    options = {
        "--build": build,
        "--steps": arguments.steps,
        "--batch": arguments.batch,
        "--seed": arguments.seed,
    }
    words = [str(word) for option in options.items() for word in option]
    at_the_end = ["--evaluate-every", str(arguments.steps), "--checkpoint-every", str(arguments.steps)]
    subprocess.run([sys.executable, str(HERE / "train.py"), str(spec), *words, *at_the_end], check=True)


def task_of(spec: Path) -> Task:
    command = [sys.executable, "-m", "nfc", "show", str(spec), "--format", "json"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (network,) = json.loads(shown)["networks"]
    reads_tokens = any(each["op"] == "embed" for each in network["tables"])
    return task_for(tuple(network["input"]), tokens=reads_tokens)


def last_values(path: Path) -> dict[str, float]:
    """The last value of each name in a log of `train.py`."""
    with path.open(newline="") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


def table(outcomes: dict[str, Outcome]) -> Table:
    """A row a network; shares are of the dense twin's weights, where it was trained."""
    shown = Table(title="Trained, exported, run in both runtimes")
    shown.add_column("example")
    for heading in ("weights", "of dense", "test loss", "accuracy", "difference", "seconds"):
        shown.add_column(heading, justify="right")
    for name, outcome in outcomes.items():
        twin = outcomes.get(f"dense/{name}")
        shown.add_row(
            name,
            f"{outcome.weights:,}",
            f"{outcome.weights / twin.weights:.1%}" if twin else "",
            f"{outcome.loss:.3f}",
            f"{outcome.accuracy:.1%}",
            f"{outcome.difference:.0e}",
            f"{outcome.seconds:.0f}",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
