"""The networks of the Pareto front: sparse, narrower dense and low-rank, all with two hidden layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

import nfc

PIXELS, CLASSES, BATCH = 784, 10, 100

SPARSE = """nf 1
network net {{
    input {pixels}
    pad {width}
    repeat 2 {{ linear {width} via {topology}; relu }}
    linear {classes}
}}
"""
TOPOLOGIES = (
    (1024, "butterfly(radix=32)"),
    (1024, "parallel(2, butterfly(radix=32))"),
    (1024, "parallel(4, butterfly(radix=32))"),
    (1024, "butterfly(radix=4)"),
    (1024, "random(fan_in=16)"),
    (1024, "random(fan_in=51)"),
    (2048, "monarch"),
    (4096, "monarch"),
)
HIDDEN = (16, 32, 64, 128, 256, 512, 1024)
RANKS = (8, 16, 32, 64)
LOW_RANK_WIDTH = 1024


@dataclass(frozen=True)
class Contender:
    """A network of some kind, built anew from a seed."""

    kind: str
    name: str
    build: Callable[[int], nn.Module]


def contenders() -> Iterator[Contender]:
    for width, topology in TOPOLOGIES:
        yield Contender("nfc", f"{width} via {topology}", sparse(width, topology))
    for hidden in HIDDEN:
        yield Contender("dense", f"dense, {hidden} wide", seeded(partial(dense, hidden)))
    for rank in RANKS:
        yield Contender("low rank", f"rank {rank}, {LOW_RANK_WIDTH} wide", seeded(partial(low_rank, rank)))


def sparse(width: int, topology: str) -> Callable[[int], nn.Module]:
    text = SPARSE.format(pixels=PIXELS, width=width, topology=topology, classes=CLASSES)
    network = nfc.load(nfc.Source(topology, text)).network
    return lambda seed: network.torch(seed, batch=BATCH)


def seeded(build: Callable[[], nn.Module]) -> Callable[[int], nn.Module]:
    def function(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return build()

    return function


def dense(hidden: int) -> nn.Module:
    layers = [
        nn.Linear(PIXELS, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, CLASSES),
    ]
    for layer in layers[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def low_rank(rank: int) -> nn.Module:
    width = LOW_RANK_WIDTH
    hidden = [layer for cols in (PIXELS, width) for layer in (_factors(cols, width, rank), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, CLASSES))


def _factors(cols: int, rows: int, rank: int) -> nn.Module:
    """Two factors whose product keeps a ReLU network's variance, as the other networks' weights do."""
    first, second = nn.Linear(cols, rank, bias=False), nn.Linear(rank, rows)
    nn.init.kaiming_normal_(first.weight, nonlinearity="linear")
    nn.init.kaiming_normal_(second.weight, nonlinearity="relu")
    nn.init.zeros_(second.bias)
    return nn.Sequential(first, second)
