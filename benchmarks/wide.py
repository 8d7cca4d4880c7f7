"""A training step at width 2^20, batch 8: forward, backward and AdamW, with its seconds and its memory.

A dense layer of that width would hold 2^40 weights: 4 TiB, 16 TiB with its gradient and AdamW's moments.
Every topology runs in a process of its own, whose largest resident memory is reported; what the
process holds before it builds the network (the interpreter and torch) is shown beside it.

Run: python benchmarks/wide.py [--width 1048576] [--batch 8] [--steps 5] [TOPOLOGY …]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import torch

from benchmarks.cases import Case
from benchmarks.memory import resident_peak
from benchmarks.report import described, markdown
from nfc.bench.machine import machine
from nfc.bench.timing import warm_allocator

TOPOLOGIES = ("butterfly(radix=32)", "random(fan_in=16)")


@dataclass(frozen=True)
class Result:
    """Seconds, weights, and bytes of resident memory before the network and at most."""

    topology: str
    weights: int
    build: float
    first: float
    step: float
    before: int
    peak: int


def main() -> None:
    arguments = parse_arguments()
    if arguments.worker:
        print(json.dumps(asdict(measured(arguments.topologies[0], arguments))))
        return
    results = [in_own_process(topology, arguments) for topology in arguments.topologies]
    print(
        f"{described(machine())}; {arguments.threads} thread, width {arguments.width}, batch {arguments.batch}\n"
    )
    print(table(results))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("topologies", nargs="*", default=[*TOPOLOGIES], metavar="TOPOLOGY")
    parser.add_argument("--width", type=int, default=2**20)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5, help="timed steps, after one that is not")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_own_process(topology: str, arguments: argparse.Namespace) -> Result:
    options = [f"--{name}={getattr(arguments, name)}" for name in ("width", "batch", "steps", "threads")]
    command = [sys.executable, __file__, *options, "--worker", "--", topology]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Result(**json.loads(answer))


def measured(topology: str, arguments: argparse.Namespace) -> Result:
    torch.set_num_threads(arguments.threads)
    warm_allocator()
    before = resident_peak()
    begin = perf_counter()
    width = arguments.width
    case = Case(name="wide", topology=topology, rows=width, cols=width, batch=arguments.batch)
    module = case.network().torch(batch=case.batch).train()
    build = perf_counter() - begin
    optimizer = torch.optim.AdamW(module.parameters())
    inputs = torch.randn(arguments.batch, width).requires_grad_()
    gradient = torch.randn(arguments.batch, width)
    first, *later = [train(module, optimizer, inputs, gradient) for _ in range(arguments.steps + 1)]
    weights = sum(parameter.numel() for parameter in module.parameters())
    return Result(topology, weights, build, first, median(later), before, resident_peak())


def train(
    module: torch.nn.Module, optimizer: torch.optim.Optimizer, inputs: torch.Tensor, gradient: torch.Tensor
) -> float:
    """Seconds of one step; the gradient of the input is computed too."""
    begin = perf_counter()
    optimizer.zero_grad()
    inputs.grad = None
    module(inputs).backward(gradient)
    optimizer.step()
    return perf_counter() - begin


def table(results: list[Result]) -> str:
    titles = (
        "topology",
        "weights",
        "build, s",
        "first step, s",
        "step, s",
        "peak memory, MiB",
        "of it before, MiB",
    )
    return markdown(titles, [
        (
            result.topology, f"{result.weights:,}", f"{result.build:.1f}", f"{result.first:.2f}", f"{result.step:.2f}",
            f"{result.peak / 2**20:.0f}", f"{result.before / 2**20:.0f}",
        )
        for result in results
    ])  # fmt: skip


if __name__ == "__main__":
    main()
