"""Where a failed assertion shows: what is cheap to find and tells what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import reach
from nfc.analysis.properties import LAYER_PROPERTIES
from nfc.checks.layers import Paths
from nfc.checks.misses import Miss
from nfc.ir.fabric import Fabric, factors
from nfc.ir.network import WeightedLayer


def layer_evidence(name: str, layer: WeightedLayer, miss: Miss) -> str | None:
    """What a sentence can add to a property that misses; None where it says nothing more."""
    entry = LAYER_EVIDENCE.get(name)
    return entry.find(layer.fabric) if entry and entry.miss is miss else None


def network_evidence(name: str, paths: Paths, miss: Miss) -> str | None:
    """The weighted layer, with all its copies, that adds most to a sum over layers that is too high."""
    measure = LAYER_PROPERTIES["params" if name == "bytes" else name].measure if name in SUMS else None
    if measure is None or miss is not Miss.HIGH:
        return None
    layers = paths.of_kind("layer")
    amounts = {
        path: sum(int(measure(copy.op)) for copy in copies if isinstance(copy.op, WeightedLayer))
        for path, copies in layers.items()
    }
    if len(set(amounts.values())) < 2:
        return None
    path = max(amounts, key=lambda each: amounts[each])
    copies = f" in {len(layers[path])} copies" if len(layers[path]) > 1 else ""
    return f"`{path}` adds most: {amounts[path] * (4 if name == 'bytes' else 1)}{copies}"


SUMS = ("params", "edges", "flops", "bytes")


def _unreached(fabric: Fabric) -> str | None:
    try:
        gap = reach(fabric).gap
    except PropertyError:
        return None
    return None if gap is None else f"no path leads from input {gap[1]} to output {gap[0]}"


def _extreme(
    measure: Callable[[Fabric], Degrees], *, most: bool, neuron: str, edge: str
) -> Callable[[Fabric], str | None]:
    """The first neuron with the most or with the fewest edges; nothing where all have as many."""

    def find(fabric: Fabric) -> str | None:
        degrees = measure(fabric)
        place = degrees.most if most else degrees.least
        if place is None or degrees.minimum == degrees.maximum:
            return None
        number, index = place
        several = sum(1 for _ in factors(fabric)) > 1
        where = f"{neuron} {index} of factor {number}" if several else f"{neuron} {index}"
        count = degrees.maximum if most else degrees.minimum
        return f"{where} has {count} {edge if count == 1 else f'{edge}s'}"

    return find


@dataclass(frozen=True)
class Evidence:
    """What shows why a property of a wiring misses this way."""

    miss: Miss
    find: Callable[[Fabric], str | None]


LAYER_EVIDENCE: dict[str, Evidence] = {
    "connected": Evidence(Miss.LOW, _unreached),
    "reach": Evidence(Miss.LOW, _unreached),
    "paths.min": Evidence(Miss.LOW, _unreached),
    "fan_in.min": Evidence(Miss.LOW, _extreme(fan_in, most=False, neuron="output", edge="input")),
    "fan_in.max": Evidence(Miss.HIGH, _extreme(fan_in, most=True, neuron="output", edge="input")),
    "fan_out.min": Evidence(Miss.LOW, _extreme(fan_out, most=False, neuron="input", edge="output")),
    "fan_out.max": Evidence(Miss.HIGH, _extreme(fan_out, most=True, neuron="input", edge="output")),
}
