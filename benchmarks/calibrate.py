"""The prices of the cost model: layers of one kernel each are timed, and prices fitted to their work.

Run: python benchmarks/calibrate.py [--runtime torch|onnxruntime] [--seconds S] [--write]

Each layer is built in the form asked for (factors apart, fused in groups, dense from edges, in
clusters), so that forms that the model would not choose are priced too. A quarter of the points, drawn at
random, is held out of the fit; predictions for those say how good the model is. `--write` puts the prices in
nfc/lowering/costs/.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import nfc
from nfc.backends.onnx_graph import Options, emit_chunks
from nfc.backends.torch_module import build_module
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, RUNTIMES, Runtime
from nfc.bench.timing import interleaved, warm_allocator
from nfc.diagnostics import Sink
from nfc.ir.initial_weights import initial_weights
from nfc.lowering import Target, lower
from nfc.lowering.clusters import clustered
from nfc.lowering.cost import Prices, seconds
from nfc.lowering.fuse import fused, is_stage
from nfc.lowering.plan import Chain, Kernel, Neighbours, Plan, Product, Scattered, Sparse
from nfc.lowering.work import UNITS, Work, product_work
from nfc.source import Source

COSTS = Path(__file__).parents[1] / "nfc" / "lowering" / "costs"
MODES = {FORWARD: "forward", "forward+backward": "training"}
BATCHES = (1, 8, 64, 256)
PASSES = 3
HELD_OUT = 4
"""One point in so many is left out of the fit."""

REWEIGHTINGS = 20

Form = Callable[[Kernel, Target], Kernel]


@dataclass(frozen=True)
class Layer:
    """A linear layer of `inputs` and `outputs` features in a form, timed at `batches` where the runtime has it."""

    inputs: int
    outputs: int
    topology: str
    form: Form
    batches: tuple[int, ...] = BATCHES

    @property
    def title(self) -> str:
        return f"{self.inputs} → {self.outputs} {self.topology} {self.form.__name__}"


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
    """A network whose kernels are chosen for `batch` already, as `nfc.bench` compiles networks."""

    network: nfc.Network
    plan: Plan
    batch: int

    def torch(self, seed: int) -> object:
        return build_module(self.plan, seed)

    def onnx(self, seed: int) -> bytes:
        weights = initial_weights(self.network.ir, seed)
        return b"".join(emit_chunks(self.plan, weights, Options(optimised=True, batch=self.batch), Sink()))


def as_lowered(kernel: Kernel, target: Target) -> Kernel:
    return kernel


def in_groups_of(size: int) -> Form:
    """Stages of a cascade fused, `size` at a time."""

    def grouped(kernel: Kernel, target: Target) -> Kernel:
        assert isinstance(kernel, Chain)
        stages = [part for part in kernel.parts if is_stage(part)]
        groups = [stages[start : start + size] for start in range(0, len(stages), size)]
        return Chain(tuple(fused(group) if len(group) > 1 else group[0] for group in groups))

    grouped.__name__ = f"fused by {size}"
    return grouped


def dense_from_edges(kernel: Kernel, target: Target) -> Kernel:
    assert isinstance(kernel, Neighbours | Sparse)
    return Scattered(kernel)


def in_clusters(kernel: Kernel, target: Target) -> Kernel:
    assert isinstance(kernel, Neighbours | Sparse)
    found = clustered(kernel, target, below=float("inf"))
    assert found is not None
    return found


def layers(runtime: str) -> Iterator[Layer]:
    """The grid, the forms that the runtime has."""
    for width in (128, 256, 512, 1024, 2048, 4096):
        yield Layer(
            width, width, "dense", as_lowered, (1, 8, 64, 256) if width > 2000 else (1, 8, 64, 256, 512)
        )
    yield Layer(4096, 256, "dense", as_lowered)
    yield Layer(256, 4096, "dense", as_lowered)
    for width in (256, 1024, 4096):
        yield Layer(width, width, "diagonal", as_lowered)
        for size in (2, 4, 16, 32, 64, 128):
            yield Layer(width, width, f"block(size={size})", as_lowered)
        for radix in (4, 16):
            yield Layer(width, width, f"butterfly(radix={radix})", as_lowered)
        yield Layer(width, width, "monarch", as_lowered)
        for size in (2, 3, 4, 5, 6):
            yield Layer(width, width, "butterfly", in_groups_of(size))
        for fan_in in (4, 13, 40):
            yield Layer(width, width, f"random({fan_in})", as_lowered)
        yield Layer(width, width, "bernoulli(3%)", as_lowered)
        yield Layer(width, width, "diagonal + monarch", as_lowered)
        yield Layer(width, width, "shuffle_exchange(depth=1, radix=4)", as_lowered)
    yield Layer(1024, 1024, "butterfly", as_lowered)
    yield Layer(512, 512, "random(256)", as_lowered)
    yield Layer(1024, 1024, "random(102)", as_lowered)
    yield Layer(1024, 1024, "random(410)", as_lowered)
    yield Layer(1024, 4096, "random(20)", as_lowered)
    yield Layer(4096, 1024, "random(20)", as_lowered)
    if runtime == "torch":
        for width, fan_in in ((256, 80), (1024, 51), (1024, 410), (2048, 800)):
            yield Layer(width, width, f"random({fan_in})", dense_from_edges)
    else:
        for topology in ("torus", "band(8)", "small_world(8)"):
            yield Layer(1024, 1024, topology, in_clusters)
            yield Layer(4096, 4096, topology, in_clusters)


def points(runtime: Runtime, duration: float) -> list[Point]:
    """Every layer of the grid timed at each batch and mode.

    The grid is gone through a few times, and the least median of a point is kept: what else runs
    on the machine only adds to a time, and seldom all the while.
    """
    steps = [step for layer in layers(runtime.name) for step in compiled(layer, runtime)]
    medians = [
        [interleaved({"own": step.call}, seconds=duration / PASSES)["own"].median for step in steps]
        for _ in range(PASSES)
    ]
    least = np.min(medians, axis=0).tolist()
    return [replace(step.point, measured=time) for step, time in zip(steps, least, strict=True)]


def compiled(layer: Layer, runtime: Runtime) -> Iterator[Step]:
    """A step for each batch and mode."""
    network = nfc.load(Source("layer.nf", text(layer))).network
    program = None
    for batch in layer.batches:
        target = Target(runtime=runtime.name, batch=batch)
        planned = formed(network, layer.form, target)
        (product,) = planned.plan.body
        assert isinstance(product, Product)
        if program is None or runtime.name == "onnxruntime":  # what torch runs is the same at every batch
            program = runtime.compile(planned, 0)  # type: ignore[arg-type]
        values = np.random.default_rng(0).standard_normal((batch, layer.inputs), np.float32)
        for mode in runtime.modes:
            point = Point(layer.title, batch, MODES[mode], 0.0, product_work(product, target))
            yield Step(point, runtime.call(program, mode, values))


def text(layer: Layer) -> str:
    via = layer.topology
    return f"nf 1\nnetwork n {{ input {layer.inputs}; linear {layer.outputs} bias=false via {via} }}"


def formed(network: nfc.Network, form: Form, target: Target) -> Planned:
    """The network, of one layer, with that layer's kernel in a form."""
    plan = lower(network.ir)
    (product,) = plan.body
    assert isinstance(product, Product)
    product = replace(product, kernel=form(product.kernel, target))
    return Planned(network, replace(plan, body=(product,)), target.batch)


def fit(measured: list[Point], least: Prices) -> Prices:
    """Prices of `least` or more that predict half and double the measured time equally rarely.

    Non-negative least squares (Lawson and Hanson, 1974) of (predicted − measured) / √(predicted ·
    measured), which is 2 sinh of half the logarithm of their ratio; the predictions in the weights
    are those of the round before.
    """
    from scipy.optimize import nnls

    counts = np.array([[point.work[unit] for unit in UNITS] for point in measured], np.float64)
    times = np.array([point.measured for point in measured])
    scale = np.maximum(counts.max(axis=0), 1)
    base = np.array([least.get(unit, 0.0) for unit in UNITS])
    predicted, rest = times, times - counts @ base
    for _ in range(REWEIGHTINGS):
        weights = 1 / np.sqrt(predicted * times)
        more, _ = nnls(counts / scale * weights[:, None], rest * weights)
        found = base + more / scale
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
    parser.add_argument("--seconds", type=float, default=0.2, help="for each point and mode")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    warm_allocator()
    for name in options.runtime or RUNTIMES:
        calibrate(RUNTIMES[name](1), options.seconds, write=options.write)


def calibrate(runtime: Runtime, duration: float, *, write: bool) -> None:
    with runtime.limited():
        measured = points(runtime, duration)
    prices: dict[str, Prices] = {}
    least: Prices = {}
    for mode in (MODES[name] for name in runtime.modes):
        own = [point for point in measured if point.mode == mode]
        left_out = held_out(len(own))
        least = fit([point for index, point in enumerate(own) if index not in left_out], least)
        prices[mode] = least  # a step of training has a forward step in it, and costs more of everything
        report(mode, own, prices[mode])
    if write:
        document = {"machine": {**asdict(machine()), "threads": 1}, "prices": prices}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        (COSTS / f"{runtime.name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
