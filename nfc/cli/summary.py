"""What `nfc show` tells of a network, as the records of its JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from math import sqrt
from typing import TypeVar

import numpy as np

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.api import Layer, Network
from nfc.diagnostics import NfcError
from nfc.ir.fabric import factors
from nfc.ir.factors import Blocks, Factor, Kron
from nfc.ir.network import Draw
from nfc.lowering.cost import speedup
from nfc.lowering.kernels import product
from nfc.lowering.optimise import optimised
from nfc.lowering.plan import Add, Blocked, Chain, CropFeatures, Fused, Kernel, PadFeatures, Product
from nfc.lowering.target import Target
from nfc.render.json import Record

Value = TypeVar("Value")

KERNELS = {
    "Dense": "dense",
    "Blocked": "blocked",
    "BlockSets": "block sets",
    "Neighbours": "neighbours",
    "Sparse": "sparse",
    "Scattered": "dense from edges",
    "Clustered": "clustered",
}
"""Kernels as people read them; a fused one says its radix too."""


def network_record(network: Network, target: Target) -> Record:
    """A network and its weighted layers, their kernels chosen for `target`; null where a property would cost too much."""
    return {
        "name": network.name,
        "input": list(network.input),
        "output": list(network.output),
        "params": network.params,
        "edges": network.edges,
        "flops": network.flops,
        "density": network.density,
        "depth": network.depth,
        "digest": network.digest,
        "layers": [layer_record(layer, target) for layer in network.layers],
    }


def layer_record(layer: Layer, target: Target) -> Record:
    chosen = chosen_product(layer, target)
    return {
        "name": layer.name,
        "op": "linear",
        "rows": layer.fabric.rows,
        "cols": layer.fabric.cols,
        "topology": layer.topology,
        "edges": layer.edges,
        "density": layer.density,
        "fan_in": _degrees(fan_in(layer.ir.fabric)),
        "fan_out": _degrees(fan_out(layer.ir.fabric)),
        "factors": [factor_record(factor) for factor in factors(layer.ir.fabric)],
        "paths": affordable(lambda: layer.fabric.properties("paths")["paths"]),
        "connected": affordable(lambda: layer.connected),
        "reach": affordable(lambda: layer.reach),
        "init": init_record(layer),
        "fitted": layer.ir.fitted,
        "kernel": kernel_names(chosen.kernel),
        "speedup": speedup(chosen, target).forward,
        "digest": layer.digest,
    }


def factor_record(factor: Factor) -> Record:
    return {
        "rows": factor.rows,
        "cols": factor.cols,
        "kind": factor.kind,
        "edges": factor.edges,
        "fan_in": _degrees(fan_in(factor)),
        "fan_out": _degrees(fan_out(factor)),
    }


def _degrees(degrees: Degrees) -> Record:
    return {"min": degrees.minimum, "max": degrees.maximum, "mean": degrees.mean}


def init_record(layer: Layer) -> Record:
    """The scheme, and the least and greatest standard deviation of a weight."""
    pairs = zip(factors(layer.ir.fabric), layer.ir.draws or (), strict=True)
    bounds = [bound for factor, draw in pairs for bound in weight_std(factor, draw)]
    return {
        "scheme": layer.ir.scheme,
        "std_min": min(bounds, default=None),
        "std_max": max(bounds, default=None),
    }


def weight_std(factor: Factor, draw: Draw) -> tuple[float, float]:
    """The least and the greatest standard deviation of the factor's weights.

    An entry of an orthonormal block of b × c has the second moment 1 / max(b, c).
    """
    low, high = float(np.min(draw.std)), float(np.max(draw.std))
    if draw.distribution != "orthogonal":
        return low, high
    match factor:
        case Kron(b=b, c=c):
            longest = max(b, c)
        case Blocks(row_sets=row_sets, col_sets=col_sets):
            longest = max(row_sets.shape[1], col_sets.shape[1])
        case _:
            longest = 1
    return low / sqrt(longest), high / sqrt(longest)


def chosen_product(layer: Layer, target: Target) -> Product:
    """The layer's product with the kernels that it runs with on the target."""
    lowered = product(layer.ir)
    return replace(lowered, kernel=optimised(lowered.kernel, target.on(lowered.input)))


def kernel_names(kernel: Kernel) -> str:
    """The kernels in written order, equal neighbours counted: `2 × blocked, sparse`."""
    runs = [(name, sum(1 for _ in run)) for name, run in groupby(_names(kernel))]
    return ", ".join(name if count == 1 else f"{count} × {name}" for name, count in runs)


def _names(kernel: Kernel) -> Iterator[str]:
    match kernel:
        case Chain(parts=parts) | Add(parts=parts):
            for part in parts:
                yield from _names(part)
        case PadFeatures() | CropFeatures():
            return
        case Fused(b=b, c=c):
            yield f"fused radix {b}" if b == c else f"fused {c} → {b}"
        case Blocked(b=1, c=1):
            yield "diagonal"
        case _:
            yield KERNELS[type(kernel).__name__]


def affordable(measure: Callable[[], Value]) -> Value | None:
    """A property, or None where it would cost too much."""
    try:
        return measure()
    except NfcError:
        return None
