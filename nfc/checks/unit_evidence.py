"""Where properties of single neurons and of single factors miss: the first neuron or factor that does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfc.analysis.neurons import Neurons, neurons
from nfc.analysis.spectrum import factor_ramanujan_gap
from nfc.analysis.units import dead_neurons, duplicate_pairs
from nfc.checks.misses import Miss
from nfc.ir.fabric import Fabric, factors
from nfc.ir.factors import Indices


def _dead(fabric: Fabric, miss: Miss) -> str | None:
    graph = neurons(fabric)
    found = np.flatnonzero(dead_neurons(graph))
    return f"no signal passes {_name(graph, int(found[0]))}" if len(found) else None


def _duplicate(fabric: Fabric, miss: Miss) -> str | None:
    graph = neurons(fabric)
    found, others = duplicate_pairs(graph)
    if not len(found):
        return None
    first = int(found.argmin())
    pair = _name(graph, int(found[first])), _name(graph, int(others[first]))
    return f"{pair[0]} has the neighbours of {pair[1]}"


def _unbalanced(fabric: Fabric, miss: Miss) -> str | None:
    graph = neurons(fabric)
    fan_in, fan_out = (degrees[graph.first_inner :] for degrees in graph.degrees())
    live = (fan_in > 0) & (fan_out > 0)
    if not live.any():
        return None
    low, high = np.minimum(fan_in, fan_out), np.maximum(fan_in, fan_out)
    number = int(np.where(live, low / np.maximum(high, 1), np.inf).argmin())
    name = _name(graph, graph.first_inner + number)
    return f"{name} reads {fan_in[number]} and is read by {fan_out[number]}"


def _uneven(fabric: Fabric, miss: Miss) -> str | None:
    for number, factor in enumerate(factors(fabric), start=1):
        for degrees, neuron, edge in (
            (factor.fan_in(), "output", "inputs"),
            (factor.fan_out(), "input", "outputs"),
        ):
            pair = _unlike(degrees)
            if pair is not None:
                few, many = pair
                where = f"{neuron}s {few} and {many} of factor {number}"
                return f"{where} have {degrees[few]} and {degrees[many]} {edge}"
    return None


def _unlike(degrees: Indices) -> tuple[int, int] | None:
    """The first neurons with the fewest and with the most edges, of those with an edge; None where all have as many."""
    live = np.flatnonzero(degrees)
    if not len(live) or degrees[live].min() == degrees[live].max():
        return None
    return int(live[degrees[live].argmin()]), int(live[degrees[live].argmax()])


def _least_mixing(fabric: Fabric, miss: Miss) -> str | None:
    gaps = [factor_ramanujan_gap(factor) for factor in factors(fabric)]
    return f"factor {int(np.argmin(gaps)) + 1} of {len(gaps)} mixes least" if len(gaps) > 1 else None


def _name(graph: Neurons, number: int) -> str:
    """A neuron as people count: an input, an output, or an output of the first factor that feeds it."""
    if number < graph.inputs:
        return f"input {number}"
    if number < graph.first_inner:
        return f"output {number - graph.inputs}"
    for place, link in enumerate(graph.links, start=1):
        if link.targets.start <= number < link.targets.stop:
            return f"output {number - link.target} of factor {place}"
    raise AssertionError(number)


UNIT_EVIDENCE: dict[str, Callable[[Fabric, Miss], str | None]] = {
    "dead": _dead,
    "duplicates": _duplicate,
    "degree_balance": _unbalanced,
    "biregular": _uneven,
    "ramanujan_gap": _least_mixing,
}
