"""Activations and norms in operators that opset 18 has."""

from __future__ import annotations

from math import sqrt

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.storage import Storage
from nfc.ir.names import attribute_path
from nfc.ir.network import NORM_EPSILON, Activation, Norm

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
SOFTMAX = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def emit_activation(graph: Graph, op: Activation, value: str) -> str:
    """The nodes of an activation; a slope or an axis of None is ONNX's default, .01 and -1."""
    match op.function:
        case "leaky_relu":
            return graph.node("LeakyRelu", (value,), op.path, alpha=op.slope)
        case "softmax" | "log_softmax":
            return graph.node(SOFTMAX[op.function], (value,), op.path, axis=op.axis)
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


def emit_norm(graph: Graph, storage: Storage, op: Norm, value: str) -> str:
    base = attribute_path(op.path)
    scale = storage.vector(f"{base}.weight")
    if op.norm == "rms":
        return _rms(graph, op, value, scale)
    shift = storage.vector(f"{base}.bias")
    if op.norm == "layer":
        return graph.node("LayerNormalization", (value, scale, shift), op.path, axis=-1, epsilon=NORM_EPSILON)
    moments = [storage.vector(f"{base}.{name}") for name in ("running_mean", "running_var")]
    return _batch(graph, op, value, [scale, shift, *moments])


def _batch(graph: Graph, op: Norm, value: str, parameters: list[str]) -> str:
    """`BatchNormalization` takes axis 1 for the channels: leading axes fold into the batch."""
    if len(op.input) == 1:
        return graph.node("BatchNormalization", (value, *parameters), op.path, epsilon=NORM_EPSILON)
    rows = graph.reshape(value, (-1, op.input[-1]), f"{op.path}/rows")
    normed = graph.node("BatchNormalization", (rows, *parameters), f"{op.path}/normed", epsilon=NORM_EPSILON)
    return graph.reshape(normed, (-1, *op.output), op.path)


def _rms(graph: Graph, op: Norm, value: str, scale: str) -> str:
    """Root-mean-square norm, x / √(mean x² + ε) · scale; `RMSNormalization` comes with opset 23."""
    squares = graph.node("Pow", (value, graph.number(2)), f"{op.path}/squares")
    mean = graph.node("ReduceMean", (squares, graph.integers(-1)), f"{op.path}/mean", keepdims=1)
    shifted = graph.node("Add", (mean, graph.number(NORM_EPSILON)), f"{op.path}/shifted")
    root = graph.node("Sqrt", (shifted,), f"{op.path}/root")
    normed = graph.node("Div", (value, root), f"{op.path}/normed")
    return graph.node("Mul", (normed, scale), op.path)
