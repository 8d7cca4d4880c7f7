"""The plan's tree of operations as nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nfc.backends.onnx_graph import images
from nfc.backends.onnx_graph.activations import emit_activation, emit_norm
from nfc.backends.onnx_graph.convolutions import emit_convolution
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.joins import beside, total
from nfc.backends.onnx_graph.layout import Layouts
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.products import emit_product
from nfc.backends.onnx_graph.sequences import emit_attention, emit_table, emit_transpose
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value, whole
from nfc.ir.convolutions import Pool, Shuffle
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Crop,
    Dropout,
    Inline,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
    is_image,
)
from nfc.ir.sequences import Attention, Table, Transpose
from nfc.lowering.plan import Convolution, Product


@dataclass(frozen=True)
class Operations:
    """Prints operations in the layouts chosen for them."""

    graph: Graph
    storage: Storage
    layouts: Layouts

    def block(self, block: Block, value: Value) -> Value:
        """The operations one after the other."""
        for op in block:
            value = self.operation(op, value)
        return value

    def operation(self, op: Op, value: Value) -> Value:
        """The nodes of one operation; the last is called by the operation's path."""
        match op:
            case Convolution():
                return emit_convolution(self.graph, self.storage, op, value)
            case Product():
                return emit_product(self.graph, self.storage, self.layouts, op, value)
            case Dropout():
                return value
            case Repeat(copies=copies):
                for copy in copies:
                    value = self.block(copy, value)
                return value
            case Inline(body=body):
                return self.block(body, value)
            case Residual() | Sum() | Concat():
                return self._join(op, value)
            case Attention():
                moves = Moves(self.graph, op.path)
                return emit_attention(
                    moves, op, moves.shared(value, self.layouts[op.path][0]), self.operation
                )
            case _:
                return self._leaf(op, value)

    def _join(self, op: Residual | Sum | Concat, value: Value) -> Value:
        read, written = self.layouts[op.path]
        moves = Moves(self.graph, op.path)
        value = moves.shared(value, read)
        if isinstance(op, Residual):
            straight = self.operation(op.project, value) if op.project else value
            return total(moves, [straight, self.block(op.body, value)], written, op.path)
        branches = [self.block(branch, value) for branch in op.branches]
        if isinstance(op, Concat) and is_image(op.output):
            return images.emit_concat(moves, op, branches)
        join = total if isinstance(op, Sum) else beside
        return join(moves, branches, written, op.path)

    def _leaf(self, op: Op, value: Value) -> Value:
        moves = Moves(self.graph, op.path)
        value = moves.turned(value, self.layouts[op.path][0])
        match op:
            case Activation():
                return emit_activation(moves, op, value)
            case Norm(norm="group") | Norm(input=(_, _, _)):
                return images.emit_norm(moves, self.storage, op, value)
            case Pool():
                return images.emit_pool(moves, op, value)
            case Shuffle():
                return images.emit_shuffle(moves, op, value)
            case Norm():
                return emit_norm(moves, self.storage, op, value)
            case Pad() | Crop():
                return self._resized(moves, op, value)
            case Table():
                return emit_table(moves, self.storage, op, value)
            case Transpose():
                return emit_transpose(moves, op, value)
            case Reshape():
                name = moves.unfolded(value).name
                return whole(self.graph.reshape(name, (-1, *op.output), op.path), op.output)
            case _:
                raise TypeError(f"{type(op).__name__} is no operation of a plan")

    def _resized(self, moves: Moves, op: Pad | Crop, value: Value) -> Value:
        size = op.output[-1]
        flat = moves.flat(value) if value.folded else value
        if isinstance(op, Crop):
            name = self.graph.crop(flat.name, flat.axis, size, op.path)
        else:
            name = self.graph.pad(flat.name, flat.rank, flat.axis, size - flat.count, op.path)
        return replace(flat, name=name, axes=(size,), order=natural(size))


def batch_first(graph: Graph, value: Value, path: str) -> str:
    """The name of a value as it leaves the network, [batch, *shape]."""
    return Moves(graph, path).unfolded(value).name
