"""Accuracy on handwritten digits against the time of a training step: sparse, narrower dense and low-rank networks.

All have two hidden layers and a dense head, and one recipe: Adam, one-cycle schedule, equal epochs
and batches. The step (forward, backward, Adam) is timed apart from training, all networks in turns,
one thread. Writes pareto.csv, and pareto.png where matplotlib is installed (the extra `viz`).

Run: python benchmarks/pareto.py [--data mnist.npz] [--epochs 5] [--seeds 2] [--build build/benchmarks]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import nn

from benchmarks.contenders import BATCH, Contender, contenders
from benchmarks.report import described, markdown, milliseconds
from nfc.bench.machine import machine
from nfc.bench.timing import interleaved, warm_allocator

SUBSET = Path(__file__).parents[1] / "examples" / "data" / "mnist_subset.npz"
LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class Digits:
    """Images in 0..1, [n, 784], and labels."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


@dataclass(frozen=True)
class Result:
    kind: str
    name: str
    weights: int
    seconds: float
    accuracy: float


def main() -> None:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    warm_allocator()
    digits = load(arguments.data)
    everyone = [*contenders()]
    seconds = step_seconds(everyone, digits, arguments.seconds)
    results = [result(each, digits, seconds[each.name], arguments) for each in everyone]
    print(f"\n{described(machine())}\n{len(digits.train_images)} images, {arguments.epochs} epochs, "
          f"{arguments.seeds} seeds\n\n{table(results)}")  # fmt: skip
    write(results, arguments.build / "pareto.csv")
    if find_spec("matplotlib"):
        plot(results, arguments.build / "pareto.png")
    else:
        print("no plot: matplotlib, which the extra `viz` brings, is not installed")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SUBSET, help="an .npz as examples/data/README.md has it")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2, help="accuracies are means over so many")
    parser.add_argument("--seconds", type=float, default=15, help="of timing steps, all networks together")
    parser.add_argument(
        "--build", type=Path, default=Path("build/benchmarks"), help="folder of what is written"
    )
    return parser.parse_args()


def load(path: Path) -> Digits:
    """Arrays `train_images` …, or `x_train` … as MNIST is often kept."""
    with np.load(path, allow_pickle=False) as data:
        names = ("train_images", "train_labels", "test_images", "test_labels")
        if "x_train" in data:
            names = ("x_train", "y_train", "x_test", "y_test")
        arrays = [torch.from_numpy(data[name]) for name in names]
    images = [array.reshape(len(array), -1).float() / 255 for array in arrays[::2]]
    labels = [array.long() for array in arrays[1::2]]
    return Digits(images[0], labels[0], images[1], labels[1])


def step_seconds(everyone: list[Contender], digits: Digits, seconds: float) -> dict[str, float]:
    """The median time of a training step of each, all in turns."""
    steps = {each.name: training(each.build(0), digits, steps=10**6)[0] for each in everyone}
    batch = torch.arange(BATCH)
    timed = {name: lambda step=step: step(batch) for name, step in steps.items()}
    return {name: timing.median for name, timing in interleaved(timed, seconds=seconds).items()}


def training(
    model: nn.Module, digits: Digits, steps: int
) -> tuple[Callable[[torch.Tensor], None], nn.Module]:
    """One step on the images of the given numbers, and the model that it trains."""
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=steps)
    loss_of = nn.CrossEntropyLoss()
    model.train()

    def step(chosen: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss_of(model(digits.train_images[chosen]), digits.train_labels[chosen]).backward()
        optimizer.step()
        schedule.step()

    return step, model


def result(contender: Contender, digits: Digits, seconds: float, arguments: argparse.Namespace) -> Result:
    accuracies = []
    for seed in range(arguments.seeds):
        steps = arguments.epochs * -(-len(digits.train_images) // BATCH)
        step, model = training(contender.build(seed), digits, steps)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(arguments.epochs):
            for chosen in torch.randperm(len(digits.train_images), generator=generator).split(BATCH):
                step(chosen)
        accuracies.append(accuracy(model, digits))
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(f"{contender.name:<45} {milliseconds(seconds):>8} ms {mean(accuracies):.2%}", flush=True)
    return Result(contender.kind, contender.name, weights, seconds, mean(accuracies))


def accuracy(model: nn.Module, digits: Digits) -> float:
    model.eval()
    with torch.inference_mode():
        return float((model(digits.test_images).argmax(1) == digits.test_labels).float().mean())


def is_on_front(result: Result, results: list[Result]) -> bool:
    """Whether nothing is at least as good in both respects and better in one."""
    return not any(
        other.seconds <= result.seconds
        and other.accuracy >= result.accuracy
        and (other.seconds, other.accuracy) != (result.seconds, result.accuracy)
        for other in results
    )


def table(results: list[Result]) -> str:
    titles = ("network", "weights", "step, ms", "accuracy", "on the front")
    return markdown(titles, [
        (
            each.name, f"{each.weights:,}", milliseconds(each.seconds), f"{each.accuracy:.2%}",
            "✓" if is_on_front(each, results) else "",
        )
        for each in sorted(results, key=lambda each: each.seconds)
    ])  # fmt: skip


def write(results: list[Result], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("kind", "name", "weights", "seconds", "accuracy"))
        writer.writerows(
            (each.kind, each.name, each.weights, each.seconds, each.accuracy) for each in results
        )


def plot(results: list[Result], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    panel = figure.subplots()
    for kind, marker in (("nfc", "o"), ("dense", "s"), ("low rank", "^")):
        points = sorted((each for each in results if each.kind == kind), key=lambda each: each.seconds)
        panel.plot(
            [1e3 * each.seconds for each in points], [each.accuracy for each in points], marker, label=kind
        )
    front = sorted((each for each in results if is_on_front(each, results)), key=lambda each: each.seconds)
    panel.plot(
        [1e3 * each.seconds for each in front], [each.accuracy for each in front], color="grey", lw=0.8
    )
    panel.set(xscale="log", xlabel="training step, ms", ylabel="test accuracy")
    panel.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
