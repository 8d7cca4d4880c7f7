"""Where a failed assertion about a layer shows: what is cheap to find and tells what to change."""

from __future__ import annotations

from collections.abc import Callable

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import paths, reach
from nfc.checks.misses import Miss
from nfc.checks.unit_evidence import UNIT_EVIDENCE
from nfc.ir.fabric import Fabric, edge_count, factors
from nfc.ir.network import WeightedLayer
from nfc.ir.parameters import weighted_parameters

MOST_SHOWN = 4
"""Factors that are listed."""

Find = Callable[[Fabric, Miss], str | None]


def layer_evidence(name: str, layer: WeightedLayer, miss: Miss) -> str | None:
    """What a sentence can add to a property that misses; None where it says nothing more."""
    if name == "params":
        return _parameters(layer)
    find = LAYER_EVIDENCE.get(name)
    try:
        return find(layer.fabric, miss) if find else None
    except PropertyError:
        return None


def _parameters(layer: WeightedLayer) -> str:
    """How many of a layer's numbers are weights."""
    weights = edge_count(layer.fabric)
    others = sum(parameter.count for parameter in weighted_parameters(layer)) - weights
    return f"{weights} of them are weights and {others} biases"


def _edges(fabric: Fabric, miss: Miss) -> str | None:
    """The factor with the most edges, or with the fewest."""
    counts = [factor.edges for factor in factors(fabric)]
    if len(counts) < 2:
        return None
    if len(set(counts)) == 1:
        return f"each of its {len(counts)} factors has {counts[0]} edges"
    choose, most = (max, "most") if miss is Miss.HIGH else (min, "fewest")
    count = choose(counts)
    return f"factor {counts.index(count) + 1} of {len(counts)} has {most}: {_edge_count(count)}"


def _density(fabric: Fabric, miss: Miss) -> str:
    return f"{_edge_count(edge_count(fabric))} over {fabric.rows} × {fabric.cols} pairs"


def _factors(fabric: Fabric, miss: Miss) -> str:
    """The factors in written order: their sizes and edges."""
    parts = [f"{each.rows} × {each.cols} with {_edge_count(each.edges)}" for each in factors(fabric)]
    more = f", and {len(parts) - MOST_SHOWN} more" if len(parts) > MOST_SHOWN else ""
    return (
        f"its factors are {', '.join(parts[:MOST_SHOWN])}{more}"
        if len(parts) > 1
        else f"its factor is {parts[0]}"
    )


def _disconnected(fabric: Fabric, miss: Miss) -> str | None:
    """The first pair without a path, and how many there are."""
    found = reach(fabric)
    if miss is Miss.HIGH or found.gap is None:
        return None
    output, source = found.gap
    missing = found.pairs - found.reached
    share = f"; {missing} of {found.pairs} pairs have none" if missing > 1 else ""
    return f"no path leads from input {source} to output {output}{share}"


def _counts(fabric: Fabric, miss: Miss) -> str | None:
    """The range of the path counts; where they are too few, the first pair without any."""
    if miss is Miss.LOW:
        gap = _disconnected(fabric, miss)
        if gap:
            return gap
    found = paths(fabric)
    if found.minimum == found.maximum:
        return f"every pair has {found.minimum} path{'s' * (found.minimum != 1)}"
    return f"pairs have from {found.minimum} to {found.maximum} paths, {found.mean:.6g} on average"


def _extreme(measure: Callable[[Fabric], Degrees], *, most: bool, neuron: str, edge: str) -> Find:
    """The first neuron with the most or with the fewest edges."""

    def find(fabric: Fabric, miss: Miss) -> str | None:
        degrees = measure(fabric)
        place = degrees.most if most else degrees.least
        if place is None:
            return None
        count = degrees.maximum if most else degrees.minimum
        counted = f"{count} {edge if count == 1 else f'{edge}s'}"
        if degrees.minimum == degrees.maximum:
            return f"every {neuron} has {counted}"
        number, index = place
        several = sum(1 for _ in factors(fabric)) > 1
        where = f"{neuron} {index} of factor {number}" if several else f"{neuron} {index}"
        return f"{where} has {counted}"

    return find


def _mean(measure: Callable[[Fabric], Degrees], *, neuron: str, edge: str) -> Find:
    """What the mean is of, and the neuron that is farthest out on the side that it misses."""
    ends = {miss: _extreme(measure, most=miss is Miss.HIGH, neuron=neuron, edge=edge) for miss in Miss}

    def find(fabric: Fabric, miss: Miss) -> str | None:
        degrees = measure(fabric)
        return f"{_edge_count(degrees.edges)} over {degrees.neurons} {neuron}s; {ends[miss](fabric, miss)}"

    return find


def _edge_count(count: int) -> str:
    return f"{count} edge{'s' * (count != 1)}"


INWARD = {"neuron": "output", "edge": "input"}
OUTWARD = {"neuron": "input", "edge": "output"}

LAYER_EVIDENCE: dict[str, Find] = {
    **UNIT_EVIDENCE,
    "edges": _edges,
    "flops": _edges,
    "density": _density,
    "factors": _factors,
    "depth": _factors,
    "connected": _disconnected,
    "reach": _disconnected,
    "paths.min": _counts,
    "paths.max": _counts,
    "paths.mean": _counts,
    "paths.cv": _counts,
    "bandwidth": _factors,
    "spectral_gap": _counts,
    "controllability": _density,
    "freedom": _density,
    "fan_in.min": _extreme(fan_in, most=False, **INWARD),
    "fan_in.max": _extreme(fan_in, most=True, **INWARD),
    "fan_in.mean": _mean(fan_in, **INWARD),
    "fan_out.min": _extreme(fan_out, most=False, **OUTWARD),
    "fan_out.max": _extreme(fan_out, most=True, **OUTWARD),
    "fan_out.mean": _mean(fan_out, **OUTWARD),
}
"""What shows why a property of a wiring misses; a digest says all there is."""
