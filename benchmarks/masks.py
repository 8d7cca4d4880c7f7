"""Masks and topologies at width 2^20: seconds and memory to elaborate, check, compile and train.

Every case is taken through each stage in a process of its own, whose largest resident memory is
reported, less what the process holds before it reads the spec: Python, NumPy and SciPy. An edge list is 8 bytes an edge:
topologies with structure stay far below theirs, masks and files within GOAL times it.

Seconds are the processor's, so that other jobs on the machine count little. With --growth elaboration
and check are also measured at a quarter and a half of the width, each over the one before.

Run: python benchmarks/masks.py [--width 1048576] [--only TEXT] [--growth]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import nfc
from benchmarks.mask_cases import ASSERTIONS, CASES, Case, write_mask
from benchmarks.mask_tables import Result, tables
from benchmarks.memory import resident_peak
from benchmarks.report import described
from nfc.bench.machine import machine

BATCH = 8
SECONDS = 240.0
"""A process that takes longer is ended."""


def main() -> None:
    arguments = parse_arguments()
    if arguments.worker:
        (case,) = (case for case in CASES if case.name == arguments.only)
        print(json.dumps(asdict(measured(case, arguments))))
        return
    results = list(all_results(arguments))
    print("\n\n".join((f"{described(machine())}; one thread", *tables(results))))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=2**20)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    parser.add_argument("--stages", nargs="+", choices=[*STAGES], default=[*STAGES])
    parser.add_argument("--growth", action="store_true", help="also at a half and a quarter of the width")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def all_results(arguments: argparse.Namespace) -> Iterator[Result]:
    widths = [arguments.width >> shift for shift in ((2, 1, 0) if arguments.growth else (0,))]
    for case in CASES:
        for width in widths if arguments.only in case.name else ():
            stages = arguments.stages if width == arguments.width else ["check"]
            with TemporaryDirectory() as folder:
                prepare(case, width, Path(folder))
                for stage in stages:
                    result = in_own_process(case, stage, width, folder)
                    print(f"{case.name}, {width}, {stage}: {result or 'too long'}", file=sys.stderr)
                    yield from (result,) if result else ()


def prepare(case: Case, width: int, folder: Path) -> None:
    """Write the case's files."""
    (folder / "wide.nf").write_text(case.source(width))
    if case.file is not None:
        write_mask(folder / case.file, width >> case.shrink)


def in_own_process(case: Case, stage: str, width: int, folder: str) -> Result | None:
    options = (f"--width={width}", f"--only={case.name}", f"--folder={folder}", f"--stages={stage}")
    command = [sys.executable, __file__, "--worker", *options]
    try:
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return Result(**json.loads(answer.stdout))


def measured(case: Case, arguments: argparse.Namespace) -> Result:
    (stage,) = arguments.stages
    if stage == "train":
        import torch

        torch.set_num_threads(1)
    import scipy.sparse.csgraph  # noqa: F401

    before, begin = resident_peak(), process_time()
    program = nfc.load(arguments.folder / "wide.nf")
    elaboration, elaborated = process_time() - begin, resident_peak() - before
    begin = process_time()
    note = STAGES[stage](program, arguments.folder)
    return Result(
        case=case.name,
        stage=stage,
        width=program.network.input[-1],
        edges=program.network.edges,
        elaboration=elaboration,
        elaborated=elaborated,
        seconds=process_time() - begin,
        memory=resident_peak() - before,
        note=note,
    )


def check(program: nfc.Program, folder: Path) -> str:
    """Run the check block; the refused assertions."""
    results = program.check().results
    return ", ".join(
        assertion.split()[0]
        for assertion, result in zip(ASSERTIONS, results, strict=True)
        if result.measured is None
    )


def export(program: nfc.Program, folder: Path) -> str:
    """Write an ONNX file; its size."""
    program.network.export_onnx(folder / "wide.onnx")
    return f"{(folder / 'wide.onnx').stat().st_size / 2**20:.0f}"


def train(program: nfc.Program, folder: Path) -> str:
    """Build the PyTorch module and take two steps of AdamW; the seconds of the second one."""
    import torch

    from benchmarks.wide import train as step

    module = program.network.torch(batch=BATCH).train()
    optimizer = torch.optim.AdamW(module.parameters())
    inputs = torch.randn(BATCH, *program.network.input).requires_grad_()
    gradient = torch.randn(BATCH, *program.network.output)
    step(module, optimizer, inputs, gradient)
    return f"{step(module, optimizer, inputs, gradient):.2f}"


STAGES: dict[str, Callable[[nfc.Program, Path], str]] = {"check": check, "onnx": export, "train": train}


if __name__ == "__main__":
    main()
