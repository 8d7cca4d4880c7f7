"""Pools, shuffles, and norms and concatenations of the channels of [batch, channels, height, width]."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value, whole
from nfc.ir.convolutions import Pool, Shuffle
from nfc.ir.names import attribute_path
from nfc.ir.network import NORM_EPSILON, Concat, Norm, Shape, feature_axis, is_image


def emit_pool(moves: Moves, op: Pool, value: Value) -> Value:
    image, graph = moves.unfolded(value).name, moves.graph
    if op.pool == "global":
        result = graph.node("ReduceMean", (image, graph.integers(2, 3)), op.path, keepdims=0)
    else:
        operator = "MaxPool" if op.pool == "max" else "AveragePool"
        windows = {"kernel_shape": list(op.kernel), "strides": list(op.stride)}
        result = graph.node(operator, (image,), op.path, **windows)
    return whole(result, op.output)


def emit_shuffle(moves: Moves, op: Shuffle, value: Value) -> Value:
    """(group, index) made (index, group) by a transpose."""
    axis, graph = feature_axis(op.input), moves.graph
    before, after, size = op.input[:axis], op.input[axis + 1 :], op.input[axis] // op.groups
    name = moves.unfolded(value).name
    split = graph.reshape(name, (-1, *before, op.groups, size, *after), moves.name("split"))
    rank = len(op.input) + 2
    places = list(range(rank))
    places[axis + 1], places[axis + 2] = axis + 2, axis + 1
    turned = graph.transpose(split, places, moves.name("shuffled"))
    return whole(graph.reshape(turned, (-1, *op.output), op.path), op.output)


def emit_concat(moves: Moves, op: Concat, values: Sequence[Value]) -> Value:
    """Branches side by side, channel by channel."""
    names = [moves.unfolded(value).name for value in values]
    return whole(moves.graph.node("Concat", names, op.path, axis=1), op.output)


def emit_norm(moves: Moves, storage: Storage, op: Norm, value: Value) -> Value:
    """A norm of channels, or one of groups of features."""
    name = moves.unfolded(value).name
    if op.norm == "batch":
        return whole(_batch_norm(moves, storage, op, name), op.output)
    shape = (op.input[0], *(1,) * (len(op.input) - 1)) if is_image(op.input) else op.input[-1:]
    normal = _normal(moves, op, name)
    scaled = moves.graph.node("Mul", (normal, _vector(storage, op, "weight", shape)), _last(op, "scaled"))
    if op.norm == "rms":
        return whole(scaled, op.output)
    shifted = moves.graph.node("Add", (scaled, _vector(storage, op, "bias", shape)), op.path)
    return whole(shifted, op.output)


def _batch_norm(moves: Moves, storage: Storage, op: Norm, name: str) -> str:
    size = op.input[:1]
    names = ("weight", "bias", "running_mean", "running_var")
    inputs = [name, *(_vector(storage, op, each, size) for each in names)]
    return moves.graph.node("BatchNormalization", inputs, op.path, epsilon=NORM_EPSILON)


def _normal(moves: Moves, op: Norm, name: str) -> str:
    """The value less its average, over its deviation; `rms` leaves the average."""
    graph = moves.graph
    if op.norm == "group":
        name = graph.reshape(name, (-1, *_groups(op)), moves.name("groups"))
    axes = graph.integers(1) if op.norm != "group" else graph.integers(len(_groups(op)))
    if op.norm != "rms":
        mean = graph.node("ReduceMean", (name, axes), moves.name("mean"))
        name = graph.node("Sub", (name, mean), moves.name("centred"))
    square = graph.node("Mul", (name, name), moves.name("square"))
    variance = graph.node("ReduceMean", (square, axes), moves.name("variance"))
    raised = graph.node("Add", (variance, graph.number(NORM_EPSILON)), moves.name("raised"))
    deviation = graph.node("Sqrt", (raised,), moves.name("deviation"))
    normal = graph.node("Div", (name, deviation), moves.name("normal"))
    return graph.reshape(normal, (-1, *op.input), moves.name("whole")) if op.norm == "group" else normal


def _groups(op: Norm) -> Shape:
    """The shape of groups with all that is averaged on the last axis."""
    groups = op.groups or 1
    if is_image(op.input):
        return groups, prod(op.input) // groups
    return (*op.input[:-1], groups, op.input[-1] // groups)


def _vector(storage: Storage, op: Norm, what: str, shape: Shape) -> str:
    name = f"{attribute_path(op.path)}.{what}"
    return storage.per_feature(name, natural(prod(shape)), shape)


def _last(op: Norm, what: str) -> str:
    return op.path if op.norm == "rms" else f"{op.path}/{what}"
