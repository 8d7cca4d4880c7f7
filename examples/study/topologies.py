"""The topologies of the study, 256 → 256, in groups of about equal weights, and the baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import nfc

WIDTH = 256

GROUPS: dict[str, tuple[str, ...]] = {
    "1k": (
        "random(fan_in=4)",
        "torus",
    ),
    "2k": (
        "random(fan_in=8)",
        "cascade(2, random(fan_in=4))",
        "hypercube",
        "block(size=8)",
        "lowrank(rank=4)",
    ),
    "4k": (
        "random(fan_in=16)",
        "cascade(2, random(fan_in=8))",
        "cascade(4, random(fan_in=4))",
        "butterfly(radix=2)",
        "butterfly(radix=4)",
        "cascade(2, hypercube)",
        "torus(depth=3)",
        "shuffle_exchange(radix=4)",
        "small_world(fan_in=16)",
        "block(size=16)",
        "lowrank(rank=8)",
    ),
    "8k": (
        "random(fan_in=32)",
        "cascade(2, random(fan_in=16))",
        "cascade(4, random(fan_in=8))",
        "monarch",
        "parallel(2, butterfly(radix=4))",
        "parallel(2, butterfly(radix=4), shuffle=1)",
        "cascade(2, butterfly(radix=4))",
        "torus(depth=6)",
        "block(size=32)",
        "lowrank(rank=16)",
    ),
    "12k": (
        "clos",
        "butterfly(radix=4, block=4)",
        "pixelfly(block=8)",
    ),
    "16k": (
        "random(fan_in=64)",
        "cascade(2, random(fan_in=32))",
        "cascade(4, random(fan_in=16))",
        "parallel(2, monarch)",
        "parallel(2, monarch, shuffle=1)",
        "cascade(2, monarch)",
        "block(size=64)",
        "lowrank(rank=32)",
    ),
}
"""Topologies by the weights of one copy, within an eighth; seeds are automatic, so copies are wired anew."""


@dataclass(frozen=True)
class Contender:
    """A way to wire a layer of the study's networks.

    Attributes:
        via: the topology's expression, `dense` for the baselines.
        group: a name of GROUPS, or `baseline`.
        hidden: the width between the two copies; a narrower dense network has less than WIDTH.
    """

    via: str
    group: str
    hidden: int = WIDTH

    @property
    def name(self) -> str:
        return self.via if self.is_topology else f"{self.via}, {self.hidden} wide"

    @property
    def is_topology(self) -> bool:
        """Whether it maps WIDTH to WIDTH, so that it has a score."""
        return self.hidden == WIDTH

    @property
    def weights(self) -> int:
        """Of one copy, biases left out."""
        return int(fabric(self.via).edges) if self.is_topology else WIDTH * self.hidden


def contenders() -> Iterator[Contender]:
    """All topologies, then dense and the narrower dense networks of as many weights."""
    for group, expressions in GROUPS.items():
        yield from (Contender(via, group) for via in expressions)
    yield Contender("dense", "baseline")
    yield from (Contender("dense", "baseline", hidden) for hidden in (16, 32, 64))


@cache
def fabric(via: str) -> nfc.Fabric:
    return nfc.topology(via, rows=WIDTH, cols=WIDTH)
