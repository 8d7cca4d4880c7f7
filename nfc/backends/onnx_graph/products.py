"""A linear layer: its kernels one after the other, each in the layouts chosen for it, and its bias."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nfc.backends.onnx_graph.gathers import clustered, gathered
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.joins import total
from nfc.backends.onnx_graph.layer import Layer
from nfc.backends.onnx_graph.layout import Layout, Layouts
from nfc.backends.onnx_graph.matrices import dense, scattered
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.steps import kernel_key
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.structured import block_sets, blocked, weights_of
from nfc.backends.onnx_graph.values import Value
from nfc.ir.fabric import part_place
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    CropFeatures,
    Dense,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Product,
    Scattered,
    Sparse,
)


def emit_product(graph: Graph, storage: Storage, layouts: Layouts, op: Product, value: Value) -> Value:
    """The layer's value; the node that makes it has the layer's name."""
    result = _Printer(Layer(graph, storage, layouts, op)).kernel(value, op.kernel, "", op.bias)
    return replace(result, name=graph.call_last(result.name, op.path))


@dataclass(frozen=True)
class _Printer:
    layer: Layer

    def kernel(self, value: Value, kernel: Kernel, place: str, bias: str | None) -> Value:
        """The kernel at `place` in the layer's tree, and the bias added to its outputs."""
        match kernel:
            case Chain(parts=parts):
                for index, part in enumerate(parts):
                    added = bias if index == len(parts) - 1 else None
                    value = self.kernel(value, part, part_place(place, index), added)
                return value
            case Add(parts=parts):
                read, written = self._pair(place)
                value = self.layer.moves.shared(value, read)
                terms = [
                    self.kernel(value, part, part_place(place, index), None if index else bias)
                    for index, part in enumerate(parts)
                ]
                return total(self.layer.moves, terms, written, self.layer.name("sum"))
            case _:
                return self._leaf(value, kernel, place, bias)

    def _leaf(self, value: Value, kernel: Kernel, place: str, bias: str | None) -> Value:
        layer, pair = self.layer, self._pair(place)
        layout = pair[0]
        match kernel:
            case Dense(weight=weight):
                return dense(layer, value, weight.name, layer.storage.factor(weight), pair, bias)
            case Blocked(a=1, b=b, c=c, d=1) | Fused(a=1, b=b, c=c, d=1):
                name, weights = weights_of(layer, kernel)
                return dense(layer, value, name, weights.reshape(b, c), pair, bias)
            case Blocked() | Fused():
                return blocked(layer, value, kernel, layout, bias)
            case BlockSets(weight=weight, row_sets=rows, col_sets=columns):
                blocks = layer.storage.factor(weight)[rows]
                value = layer.moves.turned(layer.moves.folded(value), layout)
                return block_sets(
                    layer, value, weight.name, blocks, columns, rows.reshape(-1).argsort(), bias
                )
            case Scattered():
                return scattered(layer, value, kernel, pair, bias)
            case Clustered():
                return clustered(layer, value, kernel, layout, bias)
            case Neighbours() | Sparse():
                return gathered(layer, value, kernel, layout, bias)
            case PadFeatures(size=size) | CropFeatures(size=size):
                return layer.biased(self._resized(value, size, layout), bias)
            case _:
                raise TypeError(f"{type(kernel).__name__} has parts")

    def _resized(self, value: Value, size: int, layout: Layout) -> Value:
        """The first `size` features, with zeros after the last."""
        moves, graph = self.layer.moves, self.layer.graph
        flat = moves.flat(moves.turned(moves.folded(value), layout))
        if size < flat.count:
            name = graph.crop(flat.name, flat.axis, size, moves.name("cropped"))
        else:
            name = graph.pad(flat.name, 2, flat.axis, size - flat.count, moves.name("padded"))
        return replace(flat, name=name, axes=(size,), order=natural(size))

    def _pair(self, place: str) -> tuple[Layout, Layout]:
        return self.layer.layouts[kernel_key(self.layer.op.path, place)]
