"""The plan's tree of operations as nodes. Values between operations are [batch, *shape]."""

from __future__ import annotations

from nfc.backends.onnx_graph.activations import emit_activation, emit_norm
from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.products import emit_product
from nfc.backends.onnx_graph.storage import Storage
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
)
from nfc.lowering.plan import Product


def emit_block(graph: Graph, storage: Storage, block: Block, value: str) -> str:
    """The operations one after the other; returns the name of the last one's value."""
    for op in block:
        value = emit_op(graph, storage, op, value)
    return value


def emit_op(graph: Graph, storage: Storage, op: Op, value: str) -> str:
    """The nodes of one operation on `value`; returns the name of its value, the operation's path."""
    match op:
        case Product():
            return emit_product(graph, storage, op, value)
        case Activation():
            return emit_activation(graph, op, value)
        case Norm():
            return emit_norm(graph, storage, op, value)
        case Pad():
            axis = len(op.input)
            return graph.pad(value, axis + 1, axis, op.output[-1] - op.input[-1], op.path)
        case Crop():
            return graph.crop(value, len(op.input), op.output[-1], op.path)
        case Reshape():
            return graph.reshape(value, (-1, *op.output), op.path)
        case Dropout():
            return value
        case Repeat(copies=copies):
            for copy in copies:
                value = emit_block(graph, storage, copy, value)
            return value
        case Inline(body=body):
            return emit_block(graph, storage, body, value)
        case Residual(body=body, project=project):
            straight = emit_op(graph, storage, project, value) if project else value
            return graph.node("Add", (straight, emit_block(graph, storage, body, value)), op.path)
        case Sum(branches=branches):
            return graph.total([emit_block(graph, storage, branch, value) for branch in branches], op.path)
        case Concat(branches=branches):
            parts = [emit_block(graph, storage, branch, value) for branch in branches]
            return graph.node("Concat", parts, op.path, axis=-1)
        case _:
            raise TypeError(f"{type(op).__name__} is no operation of a plan")
