"""Dense twins: the same network with every pair of a layer's neurons joined."""

from __future__ import annotations

from dataclasses import fields, replace
from math import prod

from nfc.analysis.totals import dense_parameters
from nfc.api import Network
from nfc.ir import network as ir
from nfc.ir.convolutions import Conv, Depthwise
from nfc.ir.factors import Kron
from nfc.passes.rewrite import rewrite_layers

BYTES_PER_WEIGHT = 16
"""A weight and its gradient in float32, and the float64 that a weight is drawn in."""

BYTES_PER_ACTIVATION = 8
"""A number between two operations and its gradient, in float32."""


def dense_twin(network: Network) -> Network:
    """The network with a dense matrix for every fabric, under the same paths."""
    twin = replace(network.ir, body=rewrite_layers(network.ir.body, _dense))
    return Network(twin)


def twin_memory(network: Network, batch: int) -> int:
    """Bytes that a training step of the dense twin takes, about."""
    sizes = sum(prod(op.output) for op in ir.walk(network.ir.body))
    return BYTES_PER_WEIGHT * dense_parameters(network.ir) + BYTES_PER_ACTIVATION * batch * sizes


def _dense(layer: ir.WeightedLayer) -> ir.WeightedLayer:
    """The layer dense. No time depends on how weights are drawn, and orthogonal draws would take long."""
    fabric = Kron(1, layer.fabric.rows, layer.fabric.cols, 1)
    if isinstance(layer, Depthwise):
        layer = Conv(**{each.name: getattr(layer, each.name) for each in fields(layer)})
    return replace(layer, fabric=fabric, scheme="balanced", topology="dense", draws=None, fitted=None)
