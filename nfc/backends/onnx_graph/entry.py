"""Into feature-first memory, as the first structured product of a stretch reads it."""

from __future__ import annotations

from dataclasses import replace

from nfc.backends.onnx_graph.layer import Layer
from nfc.backends.onnx_graph.layout import FEATURES, Layout
from nfc.backends.onnx_graph.values import Value
from nfc.lowering.plan import Blocked, Fused

Stage = Blocked | Fused

WORTH_CUTTING = 32
"""Features of a block from which moving blocks as they are is cheaper than a transpose of single features."""


def entered(layer: Layer, value: Value, kernel: Stage, layout: Layout) -> Value:
    """The value in the layout; blocks that lie together are moved whole, and turned inside the product.

    The reshape between the two transposes changes nothing: it keeps runtimes from making one of
    them, which would move the batch into the product.
    """
    moves, graph, a, c = layer.moves, layer.graph, kernel.a, kernel.c
    value = moves.folded(value)
    together = kernel.d == 1 and value.order.is_natural and c >= WORTH_CUTTING
    if layout is not FEATURES or value.layout is FEATURES or not together:
        return moves.turned(value, layout)
    split = moves.cut(value, (a, c))
    apart = graph.transpose(split.name, (1, 0, 2), layer.name("blocks"))
    held = graph.reshape(apart, (a, -1, c), layer.name("held"))
    turned = graph.transpose(held, (0, 2, 1), layer.name("features"))
    return replace(split, name=turned, layout=FEATURES)
