"""Curves against dense in PyTorch: over width, over batch and over density, with one thread and with all.

A quick grid by default; --full takes widths to 16384 and batches to 1024, hours and 20 GiB of memory.
Writes scaling.csv, and scaling.png where matplotlib is installed (the extra `viz`).

Run: python benchmarks/scaling.py [--full] [--seconds .4] [--build build/benchmarks]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.cases import Case
from benchmarks.report import described
from benchmarks.steps import dense_layer, forward_step, training_step
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, TRAINING
from nfc.bench.timing import interleaved, warm_allocator

DENSITIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
TOPOLOGIES = {
    "Monarch": "monarch",
    "butterfly, radix 2": "butterfly(radix=2)",
    "hypercube": "hypercube",
    "random, 1 %": "random(fan_in={fan_in})",
}


@dataclass(frozen=True)
class Grid:
    """What is measured: each of widths at `batch`, each of batches and densities at `width`."""

    widths: tuple[int, ...]
    batches: tuple[int, ...]
    width: int
    batch: int


QUICK = Grid((256, 512, 1024, 2048, 4096), (1, 8, 64, 256), 1024, 64)
FULL = Grid((256, 512, 1024, 2048, 4096, 8192, 16384), (1, 4, 16, 64, 256, 1024), 4096, 256)


@dataclass(frozen=True)
class Point:
    """One measurement; milliseconds."""

    sweep: str
    topology: str
    width: int
    batch: int
    density: float
    threads: int
    mode: str
    nfc: float
    dense: float

    @property
    def ratio(self) -> float:
        return self.nfc / self.dense


def main() -> None:
    arguments = parse_arguments()
    arguments.build.mkdir(parents=True, exist_ok=True)
    warm_allocator()
    grid = FULL if arguments.full else QUICK
    points = []
    for threads in dict.fromkeys((1, machine().cores)):
        torch.set_num_threads(threads)
        for point in measured(grid, threads, arguments.seconds):
            print(f"{point.sweep:<8} {point.topology:<19} {point.width:>6} × {point.batch:<5} "
                  f"{point.threads} threads  {point.mode:<17} {point.ratio:6.3f}", flush=True)  # fmt: skip
            points.append(point)
    write(points, arguments.build / "scaling.csv")
    if find_spec("matplotlib"):
        plot(points, arguments.build / "scaling.png")
    else:
        print("no plot: matplotlib, which the extra `viz` brings, is not installed")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="the whole grid")
    parser.add_argument("--seconds", type=float, default=0.4, help="for each point")
    parser.add_argument(
        "--build", type=Path, default=Path("build/benchmarks"), help="folder of what is written"
    )
    return parser.parse_args()


def measured(grid: Grid, threads: int, seconds: float) -> Iterator[Point]:
    for sweep, name, topology, width, batch in places(grid):
        case = Case(name=name, topology=topology, rows=width, cols=width, batch=batch)
        yield from compared(case, sweep, threads, seconds)


def places(grid: Grid) -> Iterator[tuple[str, str, str, int, int]]:
    """Sweep, name, topology, width, batch of each point."""
    for name, topology in TOPOLOGIES.items():
        for width in grid.widths:
            yield "width", name, topology.format(fan_in=round(width / 100)), width, grid.batch
        for batch in grid.batches:
            yield "batch", name, topology.format(fan_in=round(grid.width / 100)), grid.width, batch
    for density in DENSITIES:
        topology = f"random(fan_in={round(grid.width * density)})"
        yield "density", "random", topology, grid.width, grid.batch


def compared(case: Case, sweep: str, threads: int, seconds: float) -> Iterator[Point]:
    network = case.network()
    inputs = torch.randn(case.batch, case.cols)
    rivals = {"nfc": network.torch(batch=case.batch), "dense": dense_layer(case.rows, case.cols)}
    for mode in (FORWARD, TRAINING):
        steps = {
            name: forward_step(module, inputs) if mode == FORWARD else training_step(module, module.parameters(), inputs)
            for name, module in rivals.items()
        }  # fmt: skip
        times = {name: 1e3 * timing.median for name, timing in interleaved(steps, seconds=seconds).items()}
        yield Point(
            sweep,
            case.name,
            case.rows,
            case.batch,
            float(network.density),
            threads,
            mode,
            times["nfc"],
            times["dense"],
        )


def write(points: list[Point], path: Path) -> None:
    names = [field.name for field in fields(Point)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*names, "ratio"])
        writer.writeheader()
        writer.writerows(asdict(point) | {"ratio": point.ratio} for point in points)


def plot(points: list[Point], path: Path) -> None:
    """A panel a sweep, a row a number of threads; forward dashed, forward+backward solid."""
    from matplotlib.figure import Figure

    sweeps = list(dict.fromkeys(point.sweep for point in points))
    threads = list(dict.fromkeys(point.threads for point in points))
    figure = Figure(figsize=(4.5 * len(sweeps), 3.6 * len(threads)), layout="constrained")
    panels = figure.subplots(len(threads), len(sweeps), squeeze=False, sharey=True)
    for row, count in zip(panels, threads, strict=True):
        for panel, sweep in zip(row, sweeps, strict=True):
            draw(panel, sweep, [point for point in points if (point.sweep, point.threads) == (sweep, count)])
            panel.set_title(f"{count} thread{'s' * (count > 1)}", fontsize=9)
        row[0].set_ylabel("time / dense")
    figure.suptitle(f"forward dashed, forward + backward solid; {described(machine())}", fontsize=8)
    figure.savefig(path, dpi=120)


def draw(panel: Any, sweep: str, points: list[Point]) -> None:
    for place, name in enumerate(dict.fromkeys(point.topology for point in points)):
        for mode, line in ((FORWARD, "--"), (TRAINING, "-")):
            curve = [point for point in points if (point.topology, point.mode) == (name, mode)]
            x, y = [getattr(point, sweep) for point in curve], [point.ratio for point in curve]
            label = name if mode == TRAINING else None
            panel.plot(x, y, line, color=f"C{place}", marker="o", ms=3, label=label)
    panel.axhline(1, color="grey", lw=0.8)
    panel.set(xscale="log", yscale="log", xlabel=fixed(sweep, points))
    ticks = sorted({getattr(point, sweep) for point in points})
    panel.set_xticks(
        ticks, [f"{tick:.1%}" if sweep == "density" else str(tick) for tick in ticks], fontsize=7
    )
    panel.minorticks_off()
    panel.legend(fontsize=7)


def fixed(sweep: str, points: list[Point]) -> str:
    """The sweep's name and what stays the same in it."""
    others = [name for name in ("width", "batch") if name != sweep]
    return f"{sweep} ({', '.join(f'{name} {getattr(points[0], name)}' for name in others)})"


if __name__ == "__main__":
    main()
