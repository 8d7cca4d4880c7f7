"""Which learning rate trains best, with and without `parameter_groups`: does the dense twin's rate hold for fabrics?

Networks of a dense layer, `--depth` hidden layers of one topology with ReLU, and a dense head, on
handwritten digits. Adam, 64 images a step, the rate falling linearly to 0. For each topology and
width, the test loss by learning rate with plain `model.parameters()` and with
`model.parameter_groups(lr)`; the best of each row is marked. Writes learning_rates.csv.

Run: python benchmarks/learning_rates.py [--data mnist.npz] [--widths 256 1024] [--steps 150] [--build build/benchmarks]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import nfc
from benchmarks.pareto import SUBSET, Digits, load
from benchmarks.report import markdown
from nfc.source import Source

TOPOLOGIES = ("dense", "monarch", "butterfly(radix=4)", "random(fan_in=16)")
EXPONENTS = range(-12, -5)
BATCH = 64


@dataclass(frozen=True)
class Result:
    topology: str
    width: int
    grouped: bool
    exponent: int
    loss: float


def main() -> None:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    results = list(sweep(load(arguments.data), arguments))
    print(table(results))
    with (arguments.build / "learning_rates.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Result.__annotations__)
        writer.writerows(vars(result).values() for result in results)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SUBSET, help="an .npz as examples/data/README.md has it")
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--depth", type=int, default=4, help="hidden layers of the topology")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--topologies", nargs="+", default=TOPOLOGIES)
    parser.add_argument(
        "--build", type=Path, default=Path("build/benchmarks"), help="folder of what is written"
    )
    return parser.parse_args()


def sweep(digits: Digits, arguments: argparse.Namespace) -> Iterator[Result]:
    for width in arguments.widths:
        for topology in arguments.topologies:
            network = described(topology, width, arguments.depth)
            # A dense network's groups are those of `parameters()`.
            for grouped in (False,) if topology == "dense" else (False, True):
                for exponent in EXPONENTS:
                    model = network.torch(seed=0)
                    loss = trained(model, digits, 2.0**exponent, grouped, arguments.steps)
                    yield Result(topology, width, grouped, exponent, loss)


def described(topology: str, width: int, depth: int) -> nfc.Network:
    text = f"""nf 1
network Digits {{
    input 784
    linear {width}
    relu
    repeat {depth} {{
        linear {width} via {topology}
        relu
    }}
    linear 10
}}
"""
    return nfc.load(Source("digits.nf", text)).network


def trained(model: nn.Module, digits: Digits, rate: float, grouped: bool, steps: int) -> float:
    """The loss on the test images afterwards; infinity where training diverges."""
    groups: Any = model.parameter_groups(rate) if grouped else model.parameters()
    optimizer = torch.optim.Adam(groups, lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / steps)
    loss_of = nn.CrossEntropyLoss()
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        chosen = torch.randint(len(digits.train_images), (BATCH,), generator=generator)
        loss = loss_of(model(scaled(digits.train_images[chosen])), digits.train_labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        loss = loss_of(model(scaled(digits.test_images)), digits.test_labels).item()
    return float(loss) if loss < 10.0 else float("inf")


def scaled(images: torch.Tensor) -> torch.Tensor:
    """Mean 0 and variance 1 over the digits."""
    return (images - 0.13) / 0.31


def table(results: list[Result]) -> str:
    rows: dict[tuple[int, str, bool], list[float]] = {}
    for each in results:
        rows.setdefault((each.width, each.topology, each.grouped), []).append(each.loss)
    head = ["width", "topology", "rates", *(f"2^{exponent}" for exponent in EXPONENTS)]
    body = [
        [str(width), topology, "groups" if grouped else "plain", *marked(losses)]
        for (width, topology, grouped), losses in rows.items()
    ]
    return markdown(head, body)


def marked(losses: list[float]) -> list[str]:
    """The numbers, the least in bold."""
    return [f"**{loss:.3f}**" if loss == min(losses) else f"{loss:.3f}" for loss in losses]


if __name__ == "__main__":
    main()
