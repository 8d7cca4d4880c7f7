"""Properties of single neurons: dead and duplicate ones, and how evenly edges are shared out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.memo import once_a_fabric
from nfc.analysis.neurons import Neurons, neurons
from nfc.analysis.transfer import apply
from nfc.ir.fabric import Fabric, factors
from nfc.ir.factors import Flags, Indices
from nfc.philox import integers

Hashes = NDArray[np.uint64]

ODD = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio."""


@once_a_fabric
def dead(fabric: Fabric) -> int:
    """Neurons that no signal passes: with an edge but on no input-output path, and inputs and outputs without edges.

    Takes time in the edges; in the neurons for structured factors.
    """
    return int(dead_neurons(neurons(fabric)).sum())


def dead_neurons(graph: Neurons) -> Flags:
    """Which neurons no signal passes, [count]."""
    fan_in, fan_out = graph.degrees()
    counted = fan_in + fan_out > 0
    counted[: graph.first_inner] = True
    flags: Flags = counted & ~graph.on_paths()
    return flags


@once_a_fabric
def duplicates(fabric: Fabric) -> int:
    """Neurons between factors that read the same neurons and are read by the same ones as an earlier one.

    Exchanging such a neuron with the earlier one changes nothing, so its edges are the first to be
    spared. Sets of neighbours are compared by 64-bit hashes of either side. Takes time in the edges; in the
    neurons for structured factors.
    """
    return len(duplicate_pairs(neurons(fabric))[0])


def duplicate_pairs(graph: Neurons) -> tuple[Indices, Indices]:
    """Duplicate neurons, and for each one with the same neighbours, [duplicates] both."""
    fan_in, fan_out = graph.degrees()
    inner = np.arange(graph.count) >= graph.first_inner
    live = np.flatnonzero(inner & (fan_in > 0) & (fan_out > 0))
    read, readers = (hashes[live] for hashes in neighbour_hashes(graph))
    order = np.argsort(read * np.uint64(ODD) + readers, kind="stable")
    read, readers, numbers = read[order], readers[order], live[order]
    same = (read[1:] == read[:-1]) & (readers[1:] == readers[:-1])
    return numbers[1:][same], numbers[:-1][same]


def neighbour_hashes(graph: Neurons) -> tuple[Hashes, Hashes]:
    """A hash of the set that each neuron reads, and of the set that reads it: sums of random words, [count] both."""
    words = integers(0, 0, graph.count)[:, None]
    read, readers = np.zeros((2, graph.count), np.uint64)
    for link in graph.links:
        read[link.targets] += apply(link.factor, words[link.sources], np.add)[:, 0]
        readers[link.sources] += apply(link.reversed, words[link.targets], np.add)[:, 0]
    return read, readers


@once_a_fabric
def degree_balance(fabric: Fabric) -> float:
    """The least min(fan-in, fan-out) / max(fan-in, fan-out) of a neuron between factors; 1 where there is none.

    Below 1 a neuron gathers much to hand on little, or the reverse. (The code of Hoang et al.,
    "Revisiting pruning at initialization through the lens of Ramanujan graph", ICLR 2023, takes
    such a balance layer by layer.)
    """
    graph = neurons(fabric)
    fan_in, fan_out = (degrees[graph.first_inner :] for degrees in graph.degrees())
    live = (fan_in > 0) & (fan_out > 0)
    if not live.any():
        return 1.0
    shares = np.minimum(fan_in, fan_out)[live] / np.maximum(fan_in, fan_out)[live]
    return float(shares.min())


@once_a_fabric
def biregular(fabric: Fabric) -> bool:
    """Whether in every factor all outputs with an edge have one fan-in and all inputs with an edge one fan-out."""
    return all(_even(factor.fan_in()) and _even(factor.fan_out()) for factor in factors(fabric))


def _even(degrees: Indices) -> bool:
    live = degrees[degrees > 0]
    return len(live) == 0 or bool(live.min() == live.max())
