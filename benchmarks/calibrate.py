"""The prices of the cost model: layers of one kernel each are timed, and prices fitted to their work.

Run: python benchmarks/calibrate.py [--runtime torch|onnxruntime] [--units UNIT ...] [--seconds S] [--write]

Each layer is built in the form asked for (factors apart, fused in groups, dense from edges, in
clusters), so that forms that the model would not choose are priced too. A quarter of the points, drawn at
random, is held out of the fit; predictions for those say how good the model is. `--write` puts the prices in
nfc/lowering/costs/. With `--units` those prices alone are fitted, to fewer layers, and the others stay.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np

import nfc
from benchmarks.calibration_layers import Form, Layer, block_layers, calibration_layers
from nfc.backends.onnx_graph import Options, emit_chunks
from nfc.backends.torch_module import build_module
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, RUNTIMES, TRAINING, Runtime
from nfc.bench.timing import Timing, interleaved, warm_allocator
from nfc.diagnostics import Sink
from nfc.ir.initial_weights import initial_weights
from nfc.lowering import Target, lower
from nfc.lowering.cost import Prices, seconds
from nfc.lowering.cost import prices as known_prices
from nfc.lowering.plan import Plan, Product
from nfc.lowering.work import UNITS, Work, product_work
from nfc.source import Source

COSTS = Path(__file__).parents[1] / "nfc" / "lowering" / "costs"
MODES = {FORWARD: "forward", TRAINING: "training"}
PASSES = 3
HELD_OUT = 4
"""One point in so many is left out of the fit."""

REWEIGHTINGS = 20


@dataclass(frozen=True)
class Point:
    """A measured time of a layer, in seconds, and its work."""

    title: str
    batch: int
    mode: str
    measured: float
    work: Work


@dataclass(frozen=True)
class Step:
    """A point that is still to be measured, and the call that takes its time."""

    point: Point
    call: Callable[[], object]


@dataclass(frozen=True)
class Planned:
    """A network whose kernels are chosen already, as `nfc.bench` compiles networks."""

    network: nfc.Network
    plan: Plan

    def torch(self, seed: int, *, batch: int) -> object:
        return build_module(self.plan, seed)

    def onnx(self, seed: int, *, batch: int) -> bytes:
        weights = initial_weights(self.network.ir, seed)
        return b"".join(emit_chunks(self.plan, weights, Options(optimised=True, batch=batch), Sink()))


def points(runtime: Runtime, layers: Iterable[Layer], duration: float) -> list[Point]:
    """Every layer timed at each batch and mode.

    The grid is gone through a few times, and the least median of a point's processor time is kept:
    what else runs on the machine only adds to a time, and seldom all the while.
    """
    steps = [step for layer in layers for step in compiled(layer, runtime)]
    medians = [[timed(step, duration / PASSES).median for step in steps] for _ in range(PASSES)]
    least = np.min(medians, axis=0).tolist()
    return [replace(step.point, measured=time) for step, time in zip(steps, least, strict=True)]


def timed(step: Step, duration: float) -> Timing:
    return interleaved({"own": step.call}, seconds=duration, clock=process_time)["own"]


def compiled(layer: Layer, runtime: Runtime) -> Iterator[Step]:
    """A step for each batch and mode."""
    network = nfc.load(Source("layer.nf", layer.source)).network
    program = None
    for batch in layer.batches:
        target = Target(runtime=runtime.name, batch=batch)
        planned = formed(network, layer.form, target)
        (product,) = planned.plan.body
        assert isinstance(product, Product)
        if program is None or runtime.name == "onnxruntime":  # what torch runs is the same at every batch
            program = runtime.compile(planned, 0, batch)  # type: ignore[arg-type]
        values = np.random.default_rng(0).standard_normal((batch, layer.inputs), np.float32)
        for mode in runtime.modes:
            point = Point(layer.title, batch, MODES[mode], 0.0, product_work(product, target))
            yield Step(point, runtime.call(program, mode, values))


def formed(network: nfc.Network, form: Form, target: Target) -> Planned:
    """The network, of one layer, with that layer's kernel in a form."""
    plan = lower(network.ir)
    (product,) = plan.body
    assert isinstance(product, Product)
    product = replace(product, kernel=form(product.kernel, target))
    return Planned(network, replace(plan, body=(product,)))


def added(prices: Prices, measured: list[Point], units: Sequence[str]) -> list[Point]:
    """The points of layers with some units, in the time that their other work is priced at and what they add to it.

    They stand in turns with layers that have that other work alone, and add what they take longer
    than those: what slows the machine slows both. The median of all says how much it is slowed.
    """
    known = [point for point in measured if not any(point.work[unit] for unit in units)]
    more = [point for point in measured if any(point.work[unit] for unit in units)]
    predicted = [seconds(point.work, prices) for point in known]
    slower = float(np.median([point.measured / time for point, time in zip(known, predicted, strict=True)]))
    print(f"{slower:.2f} times the time that is predicted by the prices that stay")
    return [
        replace(point, measured=time + max(point.measured - base.measured, 0.0) / slower)
        for point, base, time in zip(more, known, predicted, strict=True)
    ]


def fit(measured: list[Point], least: Prices, fixed: Prices) -> Prices:
    """Prices of `least` or more, or as they are fixed, that predict half and double the measured time equally rarely.

    Non-negative least squares (Lawson and Hanson, 1974) of (predicted − measured) / √(predicted ·
    measured), which is 2 sinh of half the logarithm of their ratio; the predictions in the weights
    are those of the round before.
    """
    from scipy.optimize import nnls

    counts = np.array([[point.work[unit] for unit in UNITS] for point in measured], np.float64)
    times = np.array([point.measured for point in measured])
    scale = np.maximum(counts.max(axis=0), 1)
    base = np.array([fixed.get(unit, least.get(unit, 0.0)) for unit in UNITS])
    free = np.array([unit not in fixed for unit in UNITS])
    predicted, rest = times, times - counts @ base
    for _ in range(REWEIGHTINGS):
        weights = 1 / np.sqrt(predicted * times)
        more, _ = nnls((counts / scale)[:, free] * weights[:, None], rest * weights)
        found = base.copy()
        found[free] += more / scale[free]
        predicted = np.sqrt(predicted * np.maximum(counts @ found, times / 100))
    return dict(zip(UNITS, found.tolist(), strict=True))


def held_out(count: int) -> set[int]:
    """The points that the fit does not see, the same in every run."""
    return set(np.random.default_rng(0).permutation(count)[: count // HELD_OUT].tolist())


def report(mode: str, measured: list[Point], prices: Prices) -> None:
    """Predicted over measured, each point, and how many are within a factor of 2."""
    good = {True: [0, 0], False: [0, 0]}
    left_out = held_out(len(measured))
    print(f"\n{mode}: predicted / measured; * is held out")
    for index, point in enumerate(measured):
        ratio = seconds(point.work, prices) / point.measured
        held = index in left_out
        good[held][0] += 0.5 <= ratio <= 2
        good[held][1] += 1
        mark = "*" if held else " "
        print(f"{mark} {ratio:6.2f}  {point.measured * 1e6:10.1f} µs  batch {point.batch:<4} {point.title}")
    for held, name in ((False, "fitted"), (True, "held out")):
        print(f"{mode}: within a factor of 2, {name}: {good[held][0]} of {good[held][1]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", choices=list(RUNTIMES), action="append", help="all where absent")
    parser.add_argument("--units", nargs="+", choices=list(UNITS), default=[], help="all where absent")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each point and mode")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    warm_allocator()
    for name in options.runtime or RUNTIMES:
        calibrate(RUNTIMES[name](1), options.units, options.seconds, write=options.write)


def calibrate(runtime: Runtime, units: Sequence[str], duration: float, *, write: bool) -> None:
    layers = block_layers() if units else calibration_layers(runtime.name)
    with runtime.limited():
        measured = points(runtime, layers, duration)
    prices: dict[str, Prices] = {}
    least: Prices = {}
    for mode in (MODES[name] for name in runtime.modes):
        own = [point for point in measured if point.mode == mode]
        fixed: Prices = {}
        if units:
            known = known_prices(runtime.name)[mode]
            own = added(known, own, units)
            fixed = {unit: price for unit, price in known.items() if unit not in units}
        left_out = held_out(len(own))
        least = fit([point for index, point in enumerate(own) if index not in left_out], least, fixed)
        prices[mode] = least  # a step of training has a forward step in it, and costs more of everything
        report(mode, own, prices[mode])
    if write:
        file = COSTS / f"{runtime.name}.json"
        described = {**asdict(machine()), "threads": 1}
        if units:
            described = json.loads(file.read_text("utf-8"))["machine"]
        text = json.dumps({"machine": described, "prices": prices}, indent=2, ensure_ascii=False) + "\n"
        file.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
