"""nfc against dense and against every peer that is installed, in one run.

A layer without bias, batch-first in and out, one thread, warm allocator, rivals in turns, medians.
Peers get nfc's pattern and weights where they take any, and their value is compared with sparse
products in float64; else they draw their own pattern of the same density. A peer that cannot be
imported, has nothing for a case or gives a wrong value is named with its reason.

Run: python benchmarks/peers/run.py [--cases table|random] [--count 30] [--seed 0] [--seconds 2]
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # peers' kernels read it when they are loaded

import argparse
import json
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from time import perf_counter
from types import ModuleType

import numpy as np
import torch
from torch import nn

from benchmarks.cases import CASES, Case
from benchmarks.peers.problem import Candidate, Problem, UnsuitableError, problem_of
from benchmarks.peers.random_cases import random_cases
from benchmarks.report import described, markdown, milliseconds, ratio
from benchmarks.steps import Step, dense_layer, forward_step, training_step
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, TRAINING
from nfc.bench.timing import Timing, interleaved, warm_allocator

ADAPTERS = ("sparselab", "sparseprop", "lazylinop", "pyfaust", "torch_structured", "scipy", "torch_sparse")
HOPELESS = 6.0
"""A peer this many times slower than dense in its first calls is timed by them alone."""

TOLERANCE = 1e-4
"""Largest error of a value, over the largest value."""

BAR = 1.05
"""No slower than this times the best rival."""


@dataclass(frozen=True)
class Row:
    """A case in one mode: seconds by rival, `nfc` and `dense` among them."""

    case: str
    density: float
    mode: str
    seconds: dict[str, float]

    @property
    def best(self) -> str:
        """The fastest rival of nfc."""
        return min((name for name in self.seconds if name != "nfc"), key=self.seconds.__getitem__)

    @property
    def ratio(self) -> float:
        return self.seconds["nfc"] / self.seconds[self.best]


def main() -> None:
    arguments = parse_arguments()
    remarks: dict[str, str] = {}
    with redirect_stderr(StringIO()):  # peers' remarks on what they do without
        adapters = dict(imported(remarks))
    warnings.simplefilter("ignore")  # peers' own in their kernels; their imports reset the filters
    torch.set_num_threads(1)  # after the imports: one of them sets it
    torch.manual_seed(0)
    warm_allocator()
    rows: list[Row] = []
    for case in chosen_cases(arguments):
        for row in compared(case, adapters, remarks, arguments.seconds):
            print(f"{ratio(row.ratio):>6} of {row.best:<20} {row.case}, {row.mode}", flush=True)
            rows.append(row)
    print(f"\n{described(machine())}; seed {arguments.seed}\n\n{table(rows)}\n\n{summary(rows)}\n")
    print("\n".join(f"- {peer}: {reason}" for peer, reason in sorted(remarks.items())))
    if arguments.json:
        document = {"machine": asdict(machine()), "rows": [asdict(row) for row in rows], "remarks": remarks}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", choices=("table", "random"), default="table")
    parser.add_argument("--count", type=int, default=30, help="how many random cases")
    parser.add_argument("--seed", type=int, default=0, help="of the random cases")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    parser.add_argument("--seconds", type=float, default=2, help="for each case and mode")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser.parse_args()


def chosen_cases(arguments: argparse.Namespace) -> list[Case]:
    cases = [case for case in CASES if not case.deep]
    if arguments.cases == "random":
        cases = [*random_cases(arguments.count, arguments.seed)]
    return [case for case in cases if arguments.only.lower() in case.name.lower()]


def imported(remarks: dict[str, str]) -> Iterator[tuple[str, ModuleType]]:
    for name in ADAPTERS:
        try:
            yield name, import_module(f"benchmarks.peers.adapters.{name}")
        except Exception as error:
            remarks[name] = f"cannot be imported: {_brief(error)}"


def compared(
    case: Case, adapters: dict[str, ModuleType], remarks: dict[str, str], seconds: float
) -> Iterator[Row]:
    inputs = torch.randn(case.batch, case.cols)
    dense, own = dense_layer(case.rows, case.cols), case.network().torch(batch=case.batch)
    problem = problem_of(case, own)
    rivals = [
        Candidate("dense", dense, tuple(dense.parameters()), same=False),
        Candidate("nfc", own, tuple(own.parameters()), same=True),
    ]
    for name, adapter in adapters.items():
        rivals += suitable(adapter, name, problem, inputs, remarks)
    for mode in (FORWARD, TRAINING):
        steps = {
            rival.name: step(rival, mode, inputs) for rival in rivals if rival.parameters or mode == FORWARD
        }
        yield settled(Row(case.name, problem.density, mode, timed(steps, remarks, seconds)), steps, seconds)


def suitable(
    adapter: ModuleType, name: str, problem: Problem, inputs: torch.Tensor, remarks: dict[str, str]
) -> Iterator[Candidate]:
    """The adapter's candidates whose values are right."""
    try:
        for candidate in adapter.candidates(problem):
            error = relative_error(candidate, problem, inputs)
            if error <= TOLERANCE:
                yield candidate
            else:
                remarks[candidate.name] = f"wrong by {error:.1g} in {problem.case.name}"
    except UnsuitableError as error:
        remarks[name] = str(error)
    except Exception as error:
        remarks[f"{name} in {problem.case.name}"] = f"fails: {_brief(error)}"


def relative_error(candidate: Candidate, problem: Problem, inputs: torch.Tensor) -> float:
    """The largest error over the largest value; 0 for a candidate with weights of its own."""
    with torch.inference_mode():
        value = candidate.function(inputs).numpy()
    assert value.shape == (problem.case.batch, problem.case.rows)
    if not candidate.same:
        return 0.0
    expected = problem.reference(inputs.numpy())
    return float(np.abs(value - expected).max() / np.abs(expected).max())


def step(rival: Candidate, mode: str, inputs: torch.Tensor) -> Step:
    """What is timed; in inference modules are in evaluation, where they may keep what they prepare."""
    if isinstance(rival.function, nn.Module):
        rival.function.train(mode == TRAINING)
    if mode == TRAINING:
        return training_step(rival.function, rival.parameters or (), inputs)
    return forward_step(rival.function, inputs)


def timed(steps: dict[str, Step], remarks: dict[str, str], seconds: float) -> dict[str, float]:
    """Medians of all; the hopeless are left out of the turns, which they would fill."""
    first: dict[str, float] = {}
    for name, function in steps.items():
        try:
            first[name] = min(_once(function), _once(function))
        except Exception as error:
            remarks[name] = f"fails: {_brief(error)}"
    slowest = HOPELESS * first["dense"]
    racing = {name: steps[name] for name, taken in first.items() if taken <= slowest or name == "nfc"}
    return first | medians(interleaved(racing, seconds=seconds))


def settled(row: Row, steps: dict[str, Step], seconds: float) -> Row:
    """The row, measured again for longer against the best rival alone where nfc seems to lose."""
    if row.ratio <= BAR:
        return row
    pair = {name: steps[name] for name in ("nfc", row.best)}
    return Row(row.case, row.density, row.mode, row.seconds | medians(interleaved(pair, seconds=2 * seconds)))


def medians(timings: dict[str, Timing]) -> dict[str, float]:
    return {name: timing.median for name, timing in timings.items()}


def _once(function: Step) -> float:
    begin = perf_counter()
    function()
    return perf_counter() - begin


def _brief(error: Exception) -> str:
    lines = f"{type(error).__name__}: {error}".splitlines()
    return lines[0][:160]


def table(rows: list[Row]) -> str:
    titles = (
        "case",
        "density",
        "mode",
        "nfc, ms",
        "dense, ms",
        "best peer",
        "its ms",
        "nfc / dense",
        "nfc / better",
    )
    return markdown(titles, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    own, dense = row.seconds["nfc"], row.seconds["dense"]
    peers = {name: taken for name, taken in row.seconds.items() if name not in ("nfc", "dense")}
    peer = min(peers, key=peers.__getitem__, default="–")
    return (
        row.case, f"{row.density:.2%}", row.mode, milliseconds(own), milliseconds(dense), peer,
        milliseconds(peers[peer]) if peers else "–", ratio(own / dense), ratio(row.ratio),
    )  # fmt: skip


def summary(rows: list[Row]) -> str:
    within = sum(row.ratio <= BAR for row in rows)
    worst = max(rows, key=lambda row: row.ratio)
    return (
        f"Within {BAR} of the better of dense and the best peer: {within} of {len(rows)}"
        f"; the worst is {ratio(worst.ratio)} ({worst.case}, {worst.mode}, against {worst.best})."
    )


if __name__ == "__main__":
    main()
