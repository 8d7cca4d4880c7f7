"""Built-in topologies against the same masks from a file, rows and columns relabelled at random.

Blocks are recovered as blocks between index sets, N:M and circulants as tables of equal fan-in; the
file's layer is to take at most 1.2 times as long as the built-in one. One thread, batch-first in and
out, warm allocator, rivals in turns, medians.

Run: python benchmarks/recovered.py [--only TEXT] [--widths 1024 4096] [--batch 64] [--seconds 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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
    "n_of_m(n=1, m=32)",
    "n_of_m(n=2, m=4)",
    "band(width=2, wrap=true)",
    "band(width=16, wrap=true)",
    "torus",
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
    rows: list[Row] = []
    for width in arguments.widths:
        for topology in TOPOLOGIES:
            name = f"{topology} {width}"
            if arguments.only in name:
                case = Case(name=name, topology=topology, rows=width, cols=width, batch=arguments.batch)
                rows += measured(case, arguments.seconds)
    print(f"{described(machine())}; one thread, batch {arguments.batch}\n\n{table(rows)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    parser.add_argument("--widths", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3, help="for each case and mode")
    return parser.parse_args()


def measured(case: Case, seconds: float) -> Iterator[Row]:
    built_in = case.network()
    relabelled = from_file(built_in, case)
    kinds = kind(built_in), kind(relabelled)
    inputs = torch.randn(case.batch, case.cols)
    for mode in MODES:
        steps = {
            "built in": own_step(built_in, mode, inputs),
            "relabelled": own_step(relabelled, mode, inputs),
        }
        times = interleaved(steps, seconds=seconds)
        yield Row(case.name, mode, kinds, times["built in"].median, times["relabelled"].median)


def from_file(network: nfc.Network, case: Case) -> nfc.Network:
    """The case again, its mask read from a file in which rows and columns are in random orders."""
    from scipy.sparse import save_npz

    random = np.random.default_rng(0)
    pattern = network.layers[0].fabric.factors[0].csr()
    pattern = pattern[random.permutation(case.rows)][:, random.permutation(case.cols)]
    with TemporaryDirectory() as folder:
        save_npz(Path(folder, "mask.npz"), pattern.astype(np.uint8))
        spec = Path(folder, "case.nf")
        spec.write_text(case.source.replace(case.topology, 'file("mask.npz")'))
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
