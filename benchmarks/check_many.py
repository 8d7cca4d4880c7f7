"""Seconds of `nfc check` over many files as one call, of one file, and of the imports of the latter.

python benchmarks/check_many.py [--files 1000] [--layers 10] [--jobs N]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

VIAS = (
    "butterfly",
    "dense",
    "block(size=8)",
    "monarch",
    "random(fan_in=4)",
    "hypercube",
    "benes",
    "diagonal",
)
SLOWEST = 8
"""Imports that are listed."""


def spec(number: int, layers: int) -> str:
    """A file with one network; widths and seeds differ from file to file."""
    width = 56 + 8 * (number % 4)
    body = "\n".join(
        f"    linear {width} via {VIAS[(number + k) % len(VIAS)]}\n    relu" for k in range(layers)
    )
    return (
        f"nf 1\n\nnetwork net{number} {{\n    input {width}\n{body}\n}}\n\ncheck net{number} {{\n"
        f"    params <= 1M\n    each layer {{ fan_in.max <= {width} }}\n    variance.forward in 0.01..100\n}}\n"
    )


def seconds(*arguments: str, python: tuple[str, ...] = ()) -> tuple[float, str]:
    """The time of a fresh process, and what it wrote to standard error."""
    command = [sys.executable, *python, "-m", "nfc", *arguments]
    started = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return perf_counter() - started, done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--jobs", type=int)
    options = parser.parse_args()
    jobs = [] if options.jobs is None else ["--jobs", str(options.jobs)]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.files):
            (Path(folder) / f"net{number:05}.nf").write_text(spec(number, options.layers), "utf-8")
        first = str(Path(folder) / "net00000.nf")
        seconds("check", first)  # the files of Python itself are read and cached
        one = min(seconds("check", first)[0] for _ in range(3))
        print(f"one file of {options.layers} layers: {one:.2f} s")
        many, _ = seconds("check", folder, "--quiet", *jobs)
        print(f"{options.files} files: {many:.1f} s, {1000 * many / options.files:.0f} ms a file")
        _, imports = seconds("check", first, python=("-X", "importtime"))
    times = re.findall(r"import time:\s*(\d+) \|\s*\d+ \| +(\S+)", imports)
    print(f"imports of one file: {sum(int(own) for own, _ in times) / 1e6:.2f} s; the slowest by themselves:")
    for own, name in sorted(times, key=lambda each: -int(each[0]))[:SLOWEST]:
        print(f"  {int(own) / 1000:6.1f} ms  {name}")


if __name__ == "__main__":
    main()
