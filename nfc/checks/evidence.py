"""Where a failed assertion shows: what is cheap to find and tells what to change."""

from __future__ import annotations

from collections.abc import Callable

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import reach
from nfc.analysis.properties import LAYER_PROPERTIES
from nfc.ir.fabric import Fabric, factors
from nfc.ir.network import Linear, Network, linear_layers


def layer_evidence(name: str, layer: Linear) -> str | None:
    """What a sentence can add to a property of a layer; None where it says nothing more."""
    find = LAYER_EVIDENCE.get(name)
    return find(layer.fabric) if find else None


def network_evidence(name: str, network: Network) -> str | None:
    """The weighted layer that adds most to a sum over layers."""
    measure = LAYER_PROPERTIES["params" if name == "bytes" else name].measure if name in SUMS else None
    layers = list(linear_layers(network))
    if measure is None or len(layers) < 2:
        return None
    amounts = [measure(layer) for layer in layers]
    most = max(amounts)
    factor = 4 if name == "bytes" else 1
    return f"`{layers[amounts.index(most)].path}` adds most: {factor * int(most)}"


SUMS = ("params", "edges", "flops", "bytes", "depth")


def _unreached(fabric: Fabric) -> str | None:
    try:
        gap = reach(fabric).gap
    except PropertyError:
        return None
    return None if gap is None else f"no path leads from input {gap[1]} to output {gap[0]}"


def _extreme(
    measure: Callable[[Fabric], Degrees], *, most: bool, neuron: str, edges: str
) -> Callable[[Fabric], str | None]:
    """The first neuron with the most or with the fewest edges."""

    def find(fabric: Fabric) -> str | None:
        degrees = measure(fabric)
        place = degrees.most if most else degrees.least
        if place is None:
            return None
        number, index = place
        several = sum(1 for _ in factors(fabric)) > 1
        where = f"{neuron} {index} of factor {number}" if several else f"{neuron} {index}"
        return f"{where} has {degrees.maximum if most else degrees.minimum} {edges}"

    return find


LAYER_EVIDENCE: dict[str, Callable[[Fabric], str | None]] = {
    "connected": _unreached,
    "reach": _unreached,
    "paths.min": _unreached,
    "fan_in.min": _extreme(fan_in, most=False, neuron="output", edges="inputs"),
    "fan_in.max": _extreme(fan_in, most=True, neuron="output", edges="inputs"),
    "fan_out.min": _extreme(fan_out, most=False, neuron="input", edges="outputs"),
    "fan_out.max": _extreme(fan_out, most=True, neuron="input", edges="outputs"),
}
