"""Embeddings, positions, transposes and attention in operators that opset 18 has."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt

import numpy as np

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.layout import ROWS
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value, whole
from nfc.ir.network import Op
from nfc.ir.parameters import table_parameter
from nfc.ir.sequences import Attention, Embed, Position, Table, Transpose

HEADS_FIRST = (0, 2, 1, 3)
"""[batch, T, heads, features] → [batch, heads, T, features], and back."""


def emit_table(moves: Moves, storage: Storage, op: Table, value: Value) -> Value:
    """The nodes of an embedding or of positions; the table has the type of factors' weights."""
    name = table_parameter(op).name
    table = storage.array(op, name, storage.weights[name])
    read = moves.unfolded(value).name
    if isinstance(op, Embed):
        return whole(moves.graph.node("Gather", (table, read), op.path, axis=0), op.output)
    assert isinstance(op, Position)
    return whole(moves.graph.node("Add", (read, table), op.path), op.output)


def emit_transpose(moves: Moves, op: Transpose, value: Value) -> Value:
    """The node of a transpose; the batch stays where it is."""
    rank = 1 + len(op.input)
    permutation = (*range(rank - 2), rank - 1, rank - 2)
    name = moves.graph.transpose(moves.unfolded(value).name, permutation, op.path)
    return whole(name, op.output)


def emit_attention(moves: Moves, op: Attention, value: Value, layer: Callable[[Op, Value], Value]) -> Value:
    """The nodes of attention; `layer` prints one of its linear layers."""
    graph = moves.graph
    q, k, v = (_heads(moves, op, layer(each, value), each.path) for each in (op.q, op.k, op.v))
    queries = graph.transpose(q, HEADS_FIRST, moves.name("queries"))
    keys = graph.transpose(k, (0, 2, 3, 1), moves.name("keys"))
    values = graph.transpose(v, HEADS_FIRST, moves.name("values"))
    products = graph.node("MatMul", (queries, keys), moves.name("products"))
    scores = graph.node("Mul", (products, graph.number(1 / sqrt(op.head_features))), moves.name("scores"))
    if op.causal:
        scores = graph.node("Add", (scores, causal_mask(graph, op.input[0])), moves.name("masked"))
    shares = graph.node("Softmax", (scores,), moves.name("shares"), axis=-1)
    means = graph.node("MatMul", (shares, values), moves.name("means"))
    together = graph.transpose(means, HEADS_FIRST, moves.name("together"))
    tokens, features = op.input
    folded = graph.reshape(together, (-1, features), moves.name("folded"))
    return layer(op.o, Value(folded, ROWS, (features,), natural(features), (tokens,)))


def causal_mask(graph: Graph, tokens: int) -> str:
    """−∞ where a token would see a later one, else 0, [tokens, tokens]; made once in a graph, and folded at load.

    No row is all −∞, as every token sees itself: so softmaxes are safe in every float type.
    """
    from onnx import numpy_helper

    name = f"causal/{tokens}"
    if not graph.makes(name):
        everywhere = graph.node(
            "ConstantOfShape",
            (graph.integers(tokens, tokens),),
            f"{name}/hidden",
            value=numpy_helper.from_array(np.array([-inf], np.float32)),
        )
        graph.node("Trilu", (everywhere, graph.tensor("diagonal/1", np.array(1, np.int64))), name, upper=1)
    return name


def _heads(moves: Moves, op: Attention, value: Value, path: str) -> str:
    """A layer's result as [batch, T, heads, features of a head]."""
    flat = moves.turned(moves.flat(value) if value.folded else value, ROWS)
    return moves.graph.reshape(flat.name, (-1, op.input[0], op.heads, op.head_features), f"{path}/heads")
