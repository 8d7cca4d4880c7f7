"""The cases that speed is promised for, and what is promised: times relative to dense, in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import nfc
from nfc.bench.runtimes import FORWARD, TRAINING

ONNX = "onnxruntime"


@dataclass(frozen=True, kw_only=True)
class Case:
    """`layers` equal linear layers, each with its bias and ReLU if `deep`, on a batch of vectors.

    Attributes:
        topology: as it stands after `via`.
        goals: by mode (FORWARD, TRAINING, ONNX), the time over dense's that is to be reached.
    """

    name: str
    topology: str
    rows: int
    cols: int
    batch: int
    layers: int = 1
    deep: bool = False
    goals: Mapping[str, float] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The case in the language."""
        layer = self.layer(self.topology)
        return self.written(f"repeat {self.layers} {{ {layer} }}" if self.deep else layer)

    def layer(self, topology: str) -> str:
        """One of the layers, over a topology."""
        linear = f"linear {self.rows} bias={str(self.deep).lower()} via {topology}"
        return f"{linear}; relu" if self.deep else linear

    def written(self, body: str) -> str:
        """The network with this body."""
        return f"nf 1\nnetwork case {{\n    input {self.cols}\n    {body}\n}}\n"

    def network(self) -> nfc.Network:
        return nfc.load(nfc.Source(self.name, self.source)).network


def _square(name: str, topology: str, width: int, batch: int, *goals: float) -> Case:
    modes = (FORWARD, TRAINING, ONNX)
    goal = dict(zip(modes, goals, strict=True))
    return Case(name=name, topology=topology, rows=width, cols=width, batch=batch, goals=goal)


def _stack(batch: int, goal: float) -> Case:
    return Case(
        name=f"4 × (Monarch 1024 + bias + ReLU), batch {batch}",
        topology="monarch", rows=1024, cols=1024, batch=batch, layers=4, deep=True, goals={ONNX: goal},
    )  # fmt: skip


CASES = (
    _square("Monarch 1024, batch 256", "monarch", 1024, 256, 0.13, 0.145, 0.14),
    _square("Monarch 4096, batch 256", "monarch", 4096, 256, 0.045, 0.045, 0.05),
    _square("radix-2 butterfly 1024, batch 256", "butterfly(radix=2)", 1024, 256, 0.18, 0.22, 0.14),
    _square("radix-2 butterfly 4096, batch 256", "butterfly(radix=2)", 4096, 256, 0.05, 0.065, 0.045),
    _stack(1, 0.22),
    _stack(64, 0.16),
    _square("random, 5 %, 1024, batch 64", "random(fan_in=51)", 1024, 64, 0.27, 0.24, 1.0),
    _square("random, 1 %, 4096, batch 256", "random(fan_in=41)", 4096, 256, 0.075, 0.055, 0.5),
    _square("hypercube 4096, batch 256", "hypercube", 4096, 256, 0.035, 0.04, 0.15),
)
"""The table of goals; single layers have no bias."""
