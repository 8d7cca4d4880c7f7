"""A network and its dense twin, timed in turns: every runtime, mode and batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.bench.prediction import predicted_ratio
from nfc.bench.roofline import Peak, least_seconds, network_work
from nfc.bench.runtimes import Runtime
from nfc.bench.timing import Timing, interleaved
from nfc.bench.twin import dense_twin
from nfc.defaults import BATCH
from nfc.ir.sequences import vocabulary
from nfc.lowering.target import Target


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured.

    Attributes:
        batches: samples of a call.
        threads: threads inside an operation.
        seconds: how long a network and its twin are called in turns, for each row of the result.
        seed: of the initial weights.
    """

    batches: tuple[int, ...] = (BATCH,)
    threads: int = 1
    seconds: float = 2.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Side:
    """The network, or its twin: its times, the work that it takes at least, and the roofline of that.

    Attributes:
        flops, bytes: float32 operations, and bytes moved, of one call at least.
        least: seconds that these take at the machine's peak.
    """

    timing: Timing
    flops: int
    bytes: int
    least: float

    @property
    def share(self) -> float:
        """What the roofline is of the median time; 1 is the machine's best."""
        return self.least / self.timing.median


@dataclass(frozen=True, kw_only=True)
class Result:
    """One comparison. `predicted` is the cost model's ratio, None without weighted layers."""

    network: str
    runtime: str
    mode: str
    batch: int
    threads: int
    sparse: Side
    dense: Side
    predicted: float | None

    @property
    def ratio(self) -> float:
        """Median time of the network over that of its dense twin: below 1 the network is faster."""
        return self.sparse.timing.median / self.dense.timing.median


def measure(network: Network, runtime: Runtime, settings: Settings, peak: Peak) -> Iterator[Result]:
    """The results of one network in one runtime, by batch and mode; kernels are chosen for each batch.

    Raises:
        NfcError: the network, or its twin, cannot be compiled for the runtime.
    """
    twin = dense_twin(network)
    sides = {"sparse": network, "dense": twin}
    with runtime.limited():
        for batch in settings.batches:
            plan = network.plan_for(Target(runtime=runtime.name, batch=batch))
            programs = {side: runtime.compile(each, settings.seed, batch) for side, each in sides.items()}
            values = input_values(network, batch)
            for mode in runtime.modes:
                calls = {side: runtime.call(program, mode, values) for side, program in programs.items()}
                timings = interleaved(calls, seconds=settings.seconds)
                yield Result(
                    network=network.name,
                    runtime=runtime.name,
                    mode=mode,
                    batch=batch,
                    threads=settings.threads,
                    sparse=_side(network, timings["sparse"], batch, mode, peak),
                    dense=_side(twin, timings["dense"], batch, mode, peak),
                    predicted=predicted_ratio(plan, twin.plan, runtime.name, mode, batch),
                )


def input_values(network: Network, batch: int) -> NDArray[Any]:
    """Standard normal numbers, float32, or ids of a network's tokens, int64, [batch, *input]."""
    generator, shape = np.random.default_rng(0), (batch, *network.input)
    tokens = vocabulary(network.ir.body)
    if tokens is None:
        return generator.standard_normal(shape, np.float32)
    return generator.integers(0, tokens, shape)


def _side(network: Network, timing: Timing, batch: int, mode: str, peak: Peak) -> Side:
    layers = network_work(network.ir, batch, mode)
    flops, moved = sum(layer.flops for layer in layers), sum(layer.bytes for layer in layers)
    return Side(timing=timing, flops=flops, bytes=moved, least=least_seconds(layers, peak))
