"""Activations and norms in operators that opset 18 has."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.layout import FEATURES
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value
from nfc.ir.names import attribute_path
from nfc.ir.network import NORM_EPSILON, Activation, Norm

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
SOFTMAX = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def emit_activation(moves: Moves, op: Activation, value: Value) -> Value:
    """The nodes of an activation."""
    if op.function in SOFTMAX:
        return _softmax(moves, op, value)
    return replace(value, name=_elementwise(moves.graph, op, value.name))


def _softmax(moves: Moves, op: Activation, value: Value) -> Value:
    """Over features in whatever order, or over a leading axis; an axis of None is the last."""
    axis = -1 if op.axis is None else op.axis
    if value.folded:
        value = moves.cut(value, (value.count,)) if axis == -1 else moves.unfolded(value)
    return replace(value, name=moves.graph.node(SOFTMAX[op.function], (value.name,), op.path, axis=axis))


def _elementwise(graph: Graph, op: Activation, value: str) -> str:
    match op.function:
        case "leaky_relu":
            return graph.node("LeakyRelu", (value,), op.path, alpha=op.negative_slope)
        case "silu":
            gate = graph.node("Sigmoid", (value,), f"{op.path}/gate")
            return graph.node("Mul", (value, gate), op.path)
        case "gelu":
            return _gelu(graph, op, value)
        case _:
            return graph.node(OPERATORS[op.function], (value,), op.path)


def _gelu(graph: Graph, op: Activation, value: str) -> str:
    """The exact GELU, x · (1 + erf(x / √2)) / 2, in the order that ONNX Runtime fuses."""
    scaled = graph.node("Div", (value, graph.number(sqrt(2))), f"{op.path}/scaled")
    erf = graph.node("Erf", (scaled,), f"{op.path}/erf")
    gate = graph.node("Add", (erf, graph.number(1)), f"{op.path}/gate")
    gated = graph.node("Mul", (value, gate), f"{op.path}/gated")
    return graph.node("Mul", (gated, graph.number(0.5)), op.path)


def emit_norm(moves: Moves, storage: Storage, op: Norm, value: Value) -> Value:
    """The nodes of a norm; its parameters are stored as the features lie."""
    if op.norm == "batch":
        return _batch(moves, storage, op, value)
    if value.folded:
        value = moves.cut(value, (value.count,))
    base, shape = attribute_path(op.path), (value.count,)
    scale = storage.per_feature(f"{base}.weight", value.order, shape)
    if op.norm == "rms":
        return replace(value, name=_rms(moves.graph, op, value.name, scale))
    shift = storage.per_feature(f"{base}.bias", value.order, shape)
    inputs = (value.name, scale, shift)
    name = moves.graph.node("LayerNormalization", inputs, op.path, axis=-1, epsilon=NORM_EPSILON)
    return replace(value, name=name)


def _batch(moves: Moves, storage: Storage, op: Norm, value: Value) -> Value:
    """`BatchNormalization` takes axis 1 for the channels: batch-first the features, else after an axis of one."""
    features_first = value.layout is FEATURES
    value = moves.cut(moves.folded(value), (1, value.count) if features_first else (value.count,))
    base = attribute_path(op.path)
    parameters = [
        storage.per_feature(f"{base}.{name}", value.order, (value.count,))
        for name in ("weight", "bias", "running_mean", "running_var")
    ]
    inputs = (value.name, *parameters)
    return replace(value, name=moves.graph.node("BatchNormalization", inputs, op.path, epsilon=NORM_EPSILON))


def _rms(graph: Graph, op: Norm, value: str, scale: str) -> str:
    """Root-mean-square norm, x / √(mean x² + ε) · scale; `RMSNormalization` comes with opset 23."""
    squares = graph.node("Pow", (value, graph.number(2)), f"{op.path}/squares")
    mean = graph.node("ReduceMean", (squares, graph.integers(-1)), f"{op.path}/mean", keepdims=1)
    shifted = graph.node("Add", (mean, graph.number(NORM_EPSILON)), f"{op.path}/shifted")
    root = graph.node("Sqrt", (shifted,), f"{op.path}/root")
    normed = graph.node("Div", (value, root), f"{op.path}/normed")
    return graph.node("Mul", (normed, scale), op.path)
