"""Kill a training run with SIGKILL at random moments, go on each time, and compare with a run that was left alone.

    python benchmarks/resume.py --kills 20

The moments are steps drawn from the whole run, in order, and a fraction of a second behind each. Every run
goes on from what the one before left behind. A step that the one before had noted already stands for a
moment of the start.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file

ROOT = Path(__file__).parents[1]
STEPS = 400
CHECKPOINT_EVERY = 20
BEHIND = 0.05
"""Seconds between a drawn step and the signal, at most: some steps, or one checkpoint."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help=f"at most {STEPS}")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    if not 0 < arguments.kills <= STEPS:
        parser.error(f"argument --kills: {arguments.kills} is not in 1..{STEPS}")
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        seconds_to_start = seconds_to_first_step(whole)
        console.print(stopped(killed, arguments, seconds_to_start))
        ended = start(killed).wait() == 0
        equal = ended and same_weights(whole, killed)
        same_log = ended and (whole / "log.csv").read_bytes() == (killed / "log.csv").read_bytes()
    console.print(f"{arguments.kills} runs killed; weights equal: {equal}; logs equal: {same_log}")
    return 0 if equal and same_log else 1


def stopped(build: Path, arguments: argparse.Namespace, seconds_to_start: float) -> Table:
    """Kill one run after the other, and show how far each had come."""
    table = Table("kill", "when", "steps noted", "steps in the checkpoint")
    moments = random.Random(arguments.seed)
    for kill, step in enumerate(sorted(moments.sample(range(STEPS), arguments.kills)), 1):
        starts = noted(build) > step
        process = start(build)
        while not starts and noted(build) <= step and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, seconds_to_start if starts else BEHIND))
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            raise SystemExit(f"kill {kill} came too late: the run had ended with {process.returncode}")
        when = "at the start" if starts else f"behind step {step}"
        table.add_row(str(kill), when, str(noted(build)), str(kept(build / "checkpoint.pt")))
    return table


def seconds_to_first_step(build: Path) -> float:
    """Run to the end; the seconds until its first step was noted."""
    started, process, ready = time.perf_counter(), start(build), 0.0
    while process.poll() is None:
        if not ready and noted(build):
            ready = time.perf_counter() - started
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(process.returncode)
    return ready


def start(build: Path) -> subprocess.Popen[bytes]:
    script, spec = ROOT / "examples" / "train.py", ROOT / "examples" / "mnist.nf"
    options = ["--steps", str(STEPS), "--checkpoint-every", str(CHECKPOINT_EVERY), "--evaluate-every", "100"]
    return subprocess.Popen([sys.executable, str(script), str(spec), "--build", str(build), *options])


def noted(build: Path) -> int:
    """Steps whose loss the log holds."""
    path = build / "log.csv"
    lines = path.read_text().splitlines() if path.exists() else []
    return sum(",loss," in line for line in lines)


def kept(checkpoint: Path) -> int:
    """Steps from which the next run goes on."""
    step: int = torch.load(checkpoint, weights_only=True)["step"] if checkpoint.exists() else 0
    return step


def same_weights(one: Path, other: Path) -> bool:
    mine, theirs = (load_file(build / "weights.safetensors") for build in (one, other))
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


if __name__ == "__main__":
    sys.exit(main())
