"""Rooflines of the kernels that a plan runs, stage by stage: why a time cannot be lower, or could be.

A stage reads its weights and inputs and writes its outputs, at the bandwidth of memory, and multiplies
at the machine's peak; the larger of the two is its bound. A product by edges loads one number an edge
and sample from the cache besides. A backward pass makes two more products: three times the operations
and loads; weights and inputs are touched three times, outputs twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nfc.bench.roofline import FLOAT, Peak
from nfc.bench.timing import interleaved
from nfc.ir.network import walk
from nfc.lowering.fuse import digits
from nfc.lowering.kernels import edge_count, input_features, output_features, shape_of
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    Plan,
    Product,
    Scattered,
    Sparse,
)

CACHED = 2**18
"""Bytes of the array whose copy measures the cache's bandwidth: it and its copy stay in a core's own cache."""

SKEW = 2048
"""Bytes that its copy is shifted by, so that reads and writes do not fall on the same lines of the cache."""


@dataclass(frozen=True)
class Stage:
    """One product: its multiply-adds a sample, weights as stored for it, features, and loads a sample by edges."""

    multiply_adds: int
    weights: int
    inputs: int
    outputs: int
    loads: int = 0

    def seconds(self, batch: int, peak: Peak, cache: float, *, training: bool) -> float:
        passes = 3 if training else 1
        operations = 2 * passes * self.multiply_adds * batch / peak.flops
        weights, inputs, outputs = (3, 3, 2) if training else (1, 1, 1)
        numbers = weights * self.weights + (inputs * self.inputs + outputs * self.outputs) * batch
        loads = passes * FLOAT * self.loads * batch / cache
        return max(operations, FLOAT * numbers / peak.bandwidth, loads)


def plan_bound(plan: Plan, batch: int, peak: Peak, cache: float, *, training: bool) -> float:
    """The least seconds of all products of a plan."""
    return sum(
        stage.seconds(batch, peak, cache, training=training)
        for op in walk(plan.body)
        if isinstance(op, Product)
        for stage in stages(op.kernel)
    )


def stages(kernel: Kernel) -> Iterator[Stage]:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            for part in parts:
                yield from stages(part)
        case Dense(rows=rows, cols=cols):
            yield Stage(rows * cols, rows * cols, cols, rows)
        case Blocked() | Fused():
            a, b, c, d = digits(kernel)
            yield Stage(a * b * c * d, a * b * c * d, a * c * d, a * b * d)
        case Scattered(kernel=inner):
            rows, cols = shape_of(inner)
            yield Stage(rows * cols, rows * cols, cols, rows)
        case Edgewise(kernel=BlockSets(row_sets=row_sets, col_sets=col_sets)):
            edges = row_sets.size * col_sets.shape[1]
            yield Stage(edges, edges, col_sets.size, row_sets.size, loads=edges)
        case BlockSets(row_sets=row_sets, col_sets=col_sets):
            edges = row_sets.size * col_sets.shape[1]
            yield Stage(edges, edges, col_sets.size, row_sets.size)
        case Neighbours() | Sparse():
            rows, cols = shape_of(kernel)
            edges = edge_count(kernel)
            yield Stage(edges, edges, cols, rows, loads=edges)
        case _:
            inputs = input_features(kernel)
            yield Stage(0, 0, inputs, output_features(kernel, inputs))


def cache_bandwidth(seconds: float = 0.2) -> float:
    """Bytes a second that a copy within one core's cache reads and writes, at best."""
    memory = np.ones(2 * CACHED + SKEW, np.uint8)
    source, target = memory[:CACHED], memory[CACHED + SKEW :]
    copy = interleaved({"copy": lambda: np.copyto(target, source)}, seconds=seconds)["copy"]
    return 2 * CACHED / copy.least
