"""Built-in topologies against the same masks from a file, rows and columns relabelled at random.

Blocks are recovered as blocks between index sets, N:M and circulants as tables of equal fan-in; the
file's layers are to take at most 1.2 times as long as the built-in ones. Beside the ratio that is reached
stands the least that is possible with the gathers that blocks need (`benchmarks.gathers`). Single layers, and networks
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
from benchmarks.gathers import copies
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
    """One topology in one mode, for layers of a width; times in seconds, kinds of factors. `copied` is the time of unavoidable copies."""

    case: Case
    mode: str
    kinds: tuple[str, str]
    built_in: float
    relabelled: float
    copied: float

    @property
    def reached(self) -> float:
        return self.relabelled / self.built_in

    @property
    def least(self) -> float:
        return 1 + self.copied / self.built_in


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warm_allocator()
    rows = [row for case in cases(arguments) for row in measured(case, arguments.seconds)]
    print(f"{described(machine())}; one thread\n\n{table(rows)}\n\n{over_widths(rows)}")


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
        if kinds[1] == "blocks":
            width = relabelled.layers[0].ir.fabric.col_sets.shape[1]
            steps["copies"], steps["nothing"] = copies(case, mode, width)
        found = interleaved(steps, seconds=seconds, clock=process_time)
        times = {name: timing.median for name, timing in found.items()}
        copied = times["copies"] - times["nothing"] if "copies" in times else 0.0
        yield Row(case, mode, kinds, times["built in"], times["relabelled"], copied)


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
    titles = ("case", "mode", "kinds", "built in, ms", "relabelled, ms", "least possible", "reached", "")
    return markdown(titles, [
        (
            row.case.name, row.mode, " → ".join(row.kinds), milliseconds(row.built_in), milliseconds(row.relabelled),
            ratio(row.least), ratio(row.reached), "✓" if row.reached <= GOAL else "✗",
        )
        for row in rows
    ])  # fmt: skip


def over_widths(rows: list[Row]) -> str:
    """The least and the most over all widths: what is possible, what is reached, in each mode."""
    groups: dict[tuple[int, str, int], dict[str, list[Row]]] = {}
    for row in rows:
        case = row.case
        modes = groups.setdefault((case.layers, case.topology, case.batch), {mode: [] for mode in MODES})
        modes[row.mode].append(row)
    titles = (
        "layers",
        "topology",
        "batch",
        *(f"{mode}: {what}" for mode in MODES for what in ("least", "reached")),
    )
    return markdown(titles, [
        (
            str(layers), topology, str(batch),
            *(
                between([getattr(row, what) for row in modes[mode]])
                for mode in MODES for what in ("least", "reached")
            ),
        )
        for (layers, topology, batch), modes in groups.items()
    ])  # fmt: skip


def between(values: list[float]) -> str:
    """`1.10–1.24`, the least and the most."""
    return f"{min(values):.2f}–{max(values):.2f}"


if __name__ == "__main__":
    main()
