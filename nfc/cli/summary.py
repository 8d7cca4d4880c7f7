"""What `nfc show` tells of a network, as the records of its JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from nfc.analysis.degrees import Degrees, fan_in, fan_out
from nfc.api import Layer, Network
from nfc.cli.initial import init_record, operation_name, profile_records
from nfc.cli.structure import recognised, structure
from nfc.diagnostics import NfcError
from nfc.ir.convolutions import Conv
from nfc.ir.fabric import factors
from nfc.ir.factors import Factor
from nfc.ir.network import Op, walk
from nfc.ir.sequences import Table, attention_layers
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
    "Edgewise": "block sets by edges",
    "Neighbours": "neighbours",
    "Sparse": "sparse",
    "Scattered": "dense from edges",
    "Clustered": "clustered",
}
"""Kernels as people read them; a fused one says its radix too."""


def network_record(network: Network, target: Target, *, places: bool = False) -> Record:
    """A network and its weighted layers, their kernels chosen for `target`; null where a property would cost too much.

    `places` asks for the signals at initialisation behind every layer and activation.
    """
    attention = attention_layers(network.ir)
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
        "variance": {"forward": network.variance.forward, "backward": network.variance.backward},
        "correlation": network.correlation,
        "profile": profile_records(network) if places else None,
        "tables": [table_record(op) for op in walk(network.ir.body) if isinstance(op, Table)],
        "layers": [layer_record(layer, target, held=layer.name in attention) for layer in network.layers],
    }


def table_record(op: Table) -> Record:
    """An embedding, or learned positions."""
    return {
        "name": op.path,
        "op": operation_name(op, held=False),
        "rows": op.rows,
        "cols": op.features,
        "params": op.rows * op.features,
        "std": op.draw.std if op.draw else None,
    }


def layer_record(layer: Layer, target: Target, *, held: bool = False) -> Record:
    """A weighted layer; `held` says that it is one of an attention's."""
    chosen = chosen_product(layer, target)
    return {
        "name": layer.name,
        "op": operation_name(layer.ir, held=held),
        "rows": layer.fabric.rows,
        "cols": layer.fabric.cols,
        "windows": windows_record(layer.ir),
        "topology": layer.topology,
        "edges": layer.edges,
        "density": layer.density,
        "fan_in": _degrees(fan_in(layer.ir.fabric)),
        "fan_out": _degrees(fan_out(layer.ir.fabric)),
        "factors": [factor_record(factor) for factor in factors(layer.ir.fabric)],
        "paths": affordable(lambda: layer.fabric.properties("paths")["paths"]),
        "connected": affordable(lambda: layer.connected),
        "reach": affordable(lambda: layer.reach),
        "init": init_record(layer.ir),
        "fitted": layer.ir.fitted,
        "recognised": recognised(layer),
        "kernel": kernel_names(chosen.kernel),
        "speedup": speedup(chosen, target).forward,
        "digest": layer.digest,
    }


def windows_record(op: Op) -> Record | None:
    """How a convolution's windows lie, each number of [height, width]; None for other layers."""
    if not isinstance(op, Conv):
        return None
    return {"kernel": list(op.kernel), "stride": list(op.stride), "padding": list(op.padding)}


def factor_record(factor: Factor) -> Record:
    return {
        "rows": factor.rows,
        "cols": factor.cols,
        "kind": factor.kind,
        "structure": structure(factor),
        "edges": factor.edges,
        "fan_in": _degrees(fan_in(factor)),
        "fan_out": _degrees(fan_out(factor)),
    }


def _degrees(degrees: Degrees) -> Record:
    return {"min": degrees.minimum, "max": degrees.maximum, "mean": degrees.mean}


def chosen_product(layer: Layer, target: Target) -> Product:
    """The layer's product with the kernels that it runs with on the target."""
    lowered = product(layer.ir)
    return replace(lowered, kernel=optimised(lowered.kernel, target.on(lowered.positions)))


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
