"""Where a failed assertion about a whole network shows: the layer that it hangs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from nfc.analysis.profile import profile
from nfc.analysis.properties import LAYER_PROPERTIES
from nfc.checks.layers import Paths
from nfc.checks.misses import Miss
from nfc.ir.fabric import depth
from nfc.ir.network import Block, Concat, Inline, Network, Op, Repeat, Residual, Sum, WeightedLayer
from nfc.ir.sequences import Attention

MOST_SHOWN = 6
"""Layers of a path that are listed."""

Find = Callable[[Network, Paths, Miss], str | None]


def network_evidence(name: str, network: Network, paths: Paths, miss: Miss) -> str | None:
    """The layer that makes a property miss, with all its copies; None where no layer stands out."""
    find = NETWORK_EVIDENCE.get(name)
    return find(network, paths, miss) if find else None


def _sum(name: str, scale: int = 1) -> Find:
    """The weighted layer that adds most to a sum over layers, or least where it is too low."""
    measure = LAYER_PROPERTIES[name].measure
    assert measure is not None

    def find(network: Network, paths: Paths, miss: Miss) -> str | None:
        layers = paths.of_kind("layer")
        amounts = {
            path: scale * sum(int(measure(copy.op)) for copy in copies if isinstance(copy.op, WeightedLayer))
            for path, copies in layers.items()
        }
        if len(amounts) < 2:
            return None
        if len(set(amounts.values())) == 1:
            return f"each of the {len(amounts)} layers adds {next(iter(amounts.values()))}"
        choose, most = (max, "most") if miss is Miss.HIGH else (min, "least")
        path = choose(amounts, key=lambda each: amounts[each])
        copies = f" in {len(layers[path])} copies" if len(layers[path]) > 1 else ""
        return f"`{path}` adds {most}: {amounts[path]}{copies}"

    return find


def _density(network: Network, paths: Paths, miss: Miss) -> str | None:
    """The layer of greatest density, or of least."""
    measure = LAYER_PROPERTIES["density"].measure
    assert measure is not None
    choose, which = (max, "densest") if miss is Miss.HIGH else (min, "sparsest")
    densities = {
        path: choose(float(measure(copy.op)) for copy in copies if isinstance(copy.op, WeightedLayer))
        for path, copies in paths.of_kind("layer").items()
    }
    if len(set(densities.values())) < 2:
        return None
    path = choose(densities, key=lambda each: densities[each])
    return f"`{path}` is the {which} layer: {densities[path]:.6g}"


def _depth(network: Network, paths: Paths, miss: Miss) -> str | None:
    """The weighted layers on the longest path."""
    steps = [f"`{path}`" + (f" ({count})" if count > 1 else "") for path, count in _longest(network.body)]
    if len(steps) > MOST_SHOWN:
        left_out = len(steps) - MOST_SHOWN + 1
        steps = [*steps[: MOST_SHOWN - 2], f"{left_out} more", steps[-1]]
    return f"the longest path is {' → '.join(steps)}" if steps else None


def _longest(block: Block) -> list[tuple[str, int]]:
    """The weighted layers of a block's longest path, each with its factors on it."""
    return [step for op in block for step in _longest_of(op)]


def _longest_of(op: Op) -> list[tuple[str, int]]:
    match op:
        case WeightedLayer():
            return [(op.path, depth(op.fabric))]
        case Attention():
            inward = max((_longest_of(layer) for layer in (op.q, op.k, op.v)), key=_factors)
            return [*inward, *_longest_of(op.o)]
        case Repeat():
            return [step for copy in op.copies for step in _longest(copy)]
        case Sum() | Concat():
            return max(map(_longest, op.branches), key=_factors, default=[])
        case Residual():
            project = _longest_of(op.project) if op.project else []
            return max(_longest(op.body), project, key=_factors)
        case Inline():
            return _longest(op.body)
        case _:
            return []


def _factors(path: list[tuple[str, int]]) -> int:
    return sum(count for _, count in path)


def _forward(network: Network, paths: Paths, miss: Miss) -> str | None:
    """The operation at which the second moment of a signal changes most."""
    places = profile(network).places
    steps = pairwise([1.0, *(place.forward.mean for place in places)])
    named = ((place.op.path, *step) for place, step in zip(places, steps, strict=True))
    return _steepest(named, miss, "signals'")


def _backward(network: Network, paths: Paths, miss: Miss) -> str | None:
    """The operation at which the second moment of a gradient changes most, from the output back."""
    found = profile(network)
    behind = [place.backward for place in found.places]
    before = [found.backward, *behind[:-1]]
    named = (
        (place.op.path, after, ahead)
        for place, after, ahead in zip(found.places, behind, before, strict=True)
    )
    return _steepest(reversed(list(named)), miss, "gradients'")


def _steepest(steps: Iterator[tuple[str, float, float]], miss: Miss, whose: str) -> str | None:
    """The first step whose ratio is the least, or the greatest where the value is too high."""
    ratios = [(_ratio(first, second), path, first, second) for path, first, second in steps]
    if not ratios:
        return None
    choose = max if miss is Miss.HIGH else min
    _, path, first, second = choose(ratios, key=lambda step: step[0])
    if first == second:
        return None
    way = "grows" if second > first else "falls"
    return f"the {whose} second moment {way} most at `{path}`: from {first:.6g} to {second:.6g}"


def _ratio(first: float, second: float) -> float:
    """How a moment changes; 1 where nothing is left to change."""
    return second / first if 0.0 < first < float("inf") else 1.0


def _correlation(network: Network, paths: Paths, miss: Miss) -> str | None:
    """The operation at which inputs become most alike, or most unlike where they are too little alike."""
    places = profile(network).places
    steps = pairwise([0.0, *(place.correlation for place in places)])
    changes = [
        (second - first, place.op.path, first, second)
        for place, (first, second) in zip(places, steps, strict=True)
    ]
    if not changes:
        return None
    choose = max if miss is Miss.HIGH else min
    change, path, first, second = choose(changes, key=lambda step: step[0])
    return f"it changes most at `{path}`: from {first:.6g} to {second:.6g}" if change else None


NETWORK_EVIDENCE: dict[str, Find] = {
    "params": _sum("params"),
    "edges": _sum("edges"),
    "flops": _sum("flops"),
    "bytes": _sum("params", scale=4),
    "density": _density,
    "depth": _depth,
    "variance.forward": _forward,
    "variance.backward": _backward,
    "correlation": _correlation,
}
"""What shows why a property of a network misses; a digest says all there is."""
