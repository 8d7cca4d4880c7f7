"""Kill a training run with SIGKILL at random moments, go on each time, and compare with a run that was left alone.

    python benchmarks/resume.py --kills 20

Each run goes on from what the one before left behind, and is killed at a moment between its start and
a tenth of the training behind its first step, so that twenty of them stop all along the way.
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


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        ready, seconds = timed(whole)
        reach = ready + 2 * (seconds - ready) / arguments.kills
        table = Table("kill", "second", "checkpoint's step")
        moments = random.Random(arguments.seed)
        for kill in range(arguments.kills):
            moment = moments.uniform(0, reach)
            process = start(killed)
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
            table.add_row(str(kill + 1), f"{moment:.1f}", str(step_of(killed / "checkpoint.pt")))
        start(killed).wait()
        mine, theirs = (load_file(build / "weights.safetensors") for build in (whole, killed))
        equal = mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)
        same_log = (whole / "log.csv").read_bytes() == (killed / "log.csv").read_bytes()
    console = Console()
    console.print(table)
    console.print(f"a whole run takes {seconds:.1f} s; weights equal: {equal}; logs equal: {same_log}")
    return 0 if equal and same_log else 1


def timed(build: Path) -> tuple[float, float]:
    """Seconds until a run has noted its first step, and until its end."""
    started, process, ready = time.perf_counter(), start(build), 0.0
    while process.poll() is None:
        if not ready and (build / "log.csv").exists():
            ready = time.perf_counter() - started
        time.sleep(0.01)
    return ready, time.perf_counter() - started


def start(build: Path) -> subprocess.Popen[bytes]:
    script, spec = ROOT / "examples" / "train.py", ROOT / "examples" / "mnist.nf"
    options = ["--steps", str(STEPS), "--checkpoint-every", "20", "--evaluate-every", "100"]
    return subprocess.Popen([sys.executable, str(script), str(spec), "--build", str(build), *options])


def step_of(checkpoint: Path) -> int:
    step: int = torch.load(checkpoint, weights_only=True)["step"] if checkpoint.exists() else 0
    return step


if __name__ == "__main__":
    sys.exit(main())
