"""How long the compiler takes and how much memory: whole processes, median of several runs.

Run: python benchmarks/compiler.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
DEEP = """nf 1
network deep {
    input 1024
    repeat 200 {
        linear 1024 via parallel(2, butterfly(radix=32))
        relu
    }
    linear 10
}
"""
WIDE = """nf 1
network wide {
    input 4096
    repeat 20 {
        linear 4096 via TOPOLOGY
        relu
    }
}
"""
TOPOLOGIES = {"monarch": "monarch", "random": "random(fan_in=41)"}


def measure(arguments: list[str], folder: Path, runs: int) -> tuple[float, float]:
    """Median seconds of a process, and the largest memory in MB of any child so far."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "nfc", *arguments], cwd=folder, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return statistics.median(seconds), peak


def main() -> None:
    rows = [
        ("nfc explain NF301", ["explain", "NF301"], 9),
        ("nfc check examples/mnist.nf", ["check", str(EXAMPLES / "mnist.nf")], 9),
        ("nfc compile deep.nf --to torch", ["compile", "deep.nf", "--to", "torch"], 3),
        ("nfc compile deep.nf --to onnx", ["compile", "deep.nf", "--to", "onnx"], 3),
    ]
    for name in TOPOLOGIES:
        for target in ("torch", "onnx"):
            arguments = ["compile", f"{name}.nf", "--to", target]
            rows.append((f"nfc {' '.join(arguments)}", arguments, 3))
    print(f"{'command':<34} {'seconds':>8} {'peak MB, this and all above':>28}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "deep.nf").write_text(DEEP)
        for stem, topology in TOPOLOGIES.items():
            (folder / f"{stem}.nf").write_text(WIDE.replace("TOPOLOGY", topology))
        for title, arguments, runs in rows:
            seconds, peak = measure(arguments, folder, runs)
            print(f"{title:<34} {seconds:>8.2f} {peak:>28.0f}")


if __name__ == "__main__":
    main()
