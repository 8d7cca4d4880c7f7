"""Rooflines: the least time that a network's arithmetic and memory traffic take on a machine.

Williams, Waterman, Patterson: "Roofline: an insightful visual performance model for multicore
architectures", Communications of the ACM 52 (2009). A layer takes at least the time of its
operations at the machine's peak, and at least that of its bytes at the memory's bandwidth.
Networks whose values stay in the caches can beat a roofline made for main memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod

import numpy as np

from nfc.analysis.totals import layer_flops, layer_parameters
from nfc.bench.runtimes import FORWARD, Call, Runtime
from nfc.bench.timing import interleaved
from nfc.ir.network import Network, WeightedLayer, weighted_layers

FLOAT = 4
"""Bytes of a float32."""

MATRIX = 2048
"""Rows and columns of the matrices whose product measures the peak: large enough that packing is amortised."""

COPIED = 2**28
"""Bytes of the array whose copy measures the bandwidth: beyond any cache that one processor has to itself."""


@dataclass(frozen=True)
class Peak:
    """What a machine can do at most: float32 operations and bytes of main memory a second."""

    flops: float
    bandwidth: float


@dataclass(frozen=True)
class Work:
    """What a layer takes at least: float32 operations, and bytes moved to or from memory."""

    flops: int
    bytes: int


def layer_work(layer: WeightedLayer, batch: int, mode: str = FORWARD) -> Work:
    """The work of one weighted layer on a batch of samples.

    Forward reads weights and inputs and writes outputs, each once; an edge is a multiplication and
    an addition. With the backward pass, which makes two more products (the gradients of inputs and
    of weights), it reads weights and inputs twice and the outputs' gradient once, and writes outputs
    and the gradients of weights and inputs once.
    """
    weights = FLOAT * layer_parameters(layer)
    inputs, outputs = FLOAT * batch * prod(layer.input), FLOAT * batch * prod(layer.output)
    flops = batch * layer_flops(layer)
    if mode == FORWARD:
        return Work(flops, weights + inputs + outputs)
    return Work(3 * flops, 3 * weights + 3 * inputs + 2 * outputs)


def network_work(network: Network, batch: int, mode: str = FORWARD) -> list[Work]:
    """The work of every weighted layer in order; activations, norms and sums count nothing."""
    return [layer_work(layer, batch, mode) for layer in weighted_layers(network)]


def least_seconds(layers: Iterable[Work], peak: Peak) -> float:
    """The roofline of layers that run one after the other, in seconds."""
    return sum(max(work.flops / peak.flops, work.bytes / peak.bandwidth) for work in layers)


def measure_peak(runtimes: Sequence[Runtime], threads: int, seconds: float) -> Peak:
    """The machine's peak with `threads` threads: the best product and the best copy that are seen.

    Args:
        runtimes: those whose matrix products are tried; at least one.
        seconds: how long to try each of the two.
    """
    products: dict[str, float] = {}
    for runtime in runtimes:
        with runtime.limited():
            timings = interleaved({runtime.name: runtime.matmul(MATRIX)}, seconds=seconds, warm_up=1)
        products[runtime.name] = timings[runtime.name].least
    copy = interleaved({"copy": _copy(COPIED, threads)}, seconds=seconds, warm_up=1)["copy"]
    return Peak(2 * MATRIX**3 / min(products.values()), 2 * COPIED / copy.least)


def _copy(size: int, threads: int) -> Call:
    """Copies `size` bytes, a slice a thread; each byte is read once and written once."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    pairs = list(zip(_slices(source, threads), _slices(target, threads), strict=True))
    if threads == 1:
        return lambda: np.copyto(target, source)
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))


def _slices(array: np.ndarray, count: int) -> Iterator[np.ndarray]:
    yield from np.array_split(array, count)
