"""Built-in topologies against the same masks from a file, rows and columns relabelled at random.

Blocks are recovered as blocks between index sets, N:M and circulants as tables of equal fan-in; the
file's layers are to take at most 1.2 times as long as the built-in ones. Single layers, and networks
of several with a bias and a ReLU each, every layer relabelled on its own. One thread, batch-first in
and out, warm allocator, rivals in turns, medians of the processor's time.

Run: python benchmarks/recovered.py [--only TEXT] [--widths 256 1024] [--batches 1 32 256] [--layers 1 4] [--seconds 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import torch

import nfc
from benchmarks.cases import ONNX, Case
from benchmarks.report import described, markdown, milliseconds, ratio
from benchmarks.targets import own_step
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, TRAINING
from nfc.bench.timing import interleaved, warm_allocator

TOPOLOGIES = (
    "block(size=8)",
    "block(size=32)",
    "block(size=64)",
    "n_of_m(n=1, m=32)",
    "n_of_m(n=2, m=4)",
    "band(width=2, wrap=true)",
    "band(width=16, wrap=true)",
)
GOAL = 1.2
MODES = (FORWARD, TRAINING, ONNX)


@dataclass(frozen=True)
class Row:
    """One topology in one mode; times in seconds, kinds of factors."""

    case: str
    mode: str
    kinds: tuple[str, str]
    built_in: float
    relabelled: float

    @property
    def reached(self) -> float:
        return self.relabelled / self.built_in


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warm_allocator()
    rows = [row for case in cases(arguments) for row in measured(case, arguments.seconds)]
    print(f"{described(machine())}; one thread\n\n{table(rows)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 512, 1024, 2048])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seconds", type=float, default=1, help="for each case and mode")
    return parser.parse_args()


def cases(arguments: argparse.Namespace) -> Iterator[Case]:
    for layers, topology, width, batch in product(
        arguments.layers, TOPOLOGIES, arguments.widths, arguments.batches
    ):
        name = f"{layers} × {topology}, {width}, batch {batch}"
        if arguments.only in name:
            yield Case(
                name=name, topology=topology, rows=width, cols=width, batch=batch, layers=layers, deep=layers > 1
            )  # fmt: skip


def measured(case: Case, seconds: float) -> Iterator[Row]:
    built_in = case.network()
    relabelled = from_files(built_in, case)
    kinds = kind(built_in), kind(relabelled)
    inputs = torch.randn(case.batch, case.cols)
    for mode in MODES:
        steps = {
            "built in": own_step(built_in, mode, inputs),
            "relabelled": own_step(relabelled, mode, inputs),
        }
        times = interleaved(steps, seconds=seconds, clock=process_time)
        yield Row(case.name, mode, kinds, times["built in"].median, times["relabelled"].median)


def from_files(network: nfc.Network, case: Case) -> nfc.Network:
    """The case again, its masks read from files in which rows and columns are in random orders, each in others."""
    from scipy.sparse import save_npz

    random = np.random.default_rng(0)
    pattern = network.layers[0].fabric.factors[0].csr()
    layers = []
    with TemporaryDirectory() as folder:
        for number in range(case.layers):
            found = pattern[random.permutation(case.rows)][:, random.permutation(case.cols)]
            save_npz(Path(folder, f"mask{number}.npz"), found.astype(np.uint8))
            layers.append(case.layer(f'file("mask{number}.npz")'))
        spec = Path(folder, "case.nf")
        spec.write_text(case.written("; ".join(layers)))
        return nfc.load(spec).network


def kind(network: nfc.Network) -> str:
    layer = network.layers[0].ir
    return str(getattr(layer.fabric, "kind", "several"))


def table(rows: list[Row]) -> str:
    titles = ("case", "mode", "kinds", "built in, ms", "relabelled, ms", "ratio", "")
    return markdown(titles, [
        (
            row.case, row.mode, " → ".join(row.kinds), milliseconds(row.built_in), milliseconds(row.relabelled),
            ratio(row.reached), "✓" if row.reached <= GOAL else "✗",
        )
        for row in rows
    ])  # fmt: skip


if __name__ == "__main__":
    main()
