"""The reference interpreter: dense masked matrices in float64, slow and obviously right.

Every other way to run a network is tested against this one, so nothing here is clever: each
operation is its definition, and a fabric is multiplied out to one rows × cols matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.ir.convolution_interpreter import convolve, pooled
from nfc.ir.convolutions import Conv, Pool, Shuffle
from nfc.ir.fabric import Cascade, Fabric, part_place
from nfc.ir.factors import Factor
from nfc.ir.names import attribute_path
from nfc.ir.network import (
    NORM_EPSILON,
    Activation,
    Block,
    Concat,
    Crop,
    Dropout,
    Inline,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
    WeightedLayer,
    feature_axis,
    is_image,
)
from nfc.ir.parameters import Weights, factor_name
from nfc.ir.sequences import Attention, Embed, Position, Transpose, vocabulary
from nfc.ir.tokens import token_ids

Array = NDArray[np.float64]


def interpret(network: Network, weights: Weights, value: NDArray[np.floating] | NDArray[np.integer]) -> Array:
    """The network's output at inference.

    Args:
        network: any network; draws are not needed.
        weights: every parameter and buffer of `nfc.ir.parameters.parameters(network)`.
        value: [batch, *network.input], of integers where the network begins with an embedding.

    Returns:
        [batch, *network.output], float64.

    Raises:
        ValueError: the value has another shape, or holds no token ids where those are needed.
    """
    if value.shape[1:] != network.input:
        raise ValueError(f"the input has shape {value.shape[1:]}, the network takes {network.input}")
    tokens = vocabulary(network.body)
    numbers = value if tokens is None else token_ids(value, tokens)
    return _block(network.body, weights, numbers.astype(np.float64))


def fabric_matrix(fabric: Fabric, path: str, weights: Weights, place: str = "") -> Array:
    """The matrix [rows, cols] of the layer at `path`, its factors multiplied out and added up."""
    if isinstance(fabric, Factor):
        return factor_matrix(fabric, weights[factor_name(path, place)])
    inner = [part_place(place, index) for index in range(len(fabric.parts))]
    matrices = [fabric_matrix(part, path, weights, at) for part, at in zip(fabric.parts, inner, strict=True)]
    result = matrices[0]
    for matrix in matrices[1:]:
        result = matrix @ result if isinstance(fabric, Cascade) else result + matrix
    return result


def factor_matrix(factor: Factor, weights: NDArray[np.floating]) -> Array:
    """One factor's masked matrix [rows, cols] out of weights of its `weight_shape`."""
    indptr, indices = factor.arrays()
    matrix = np.zeros(factor.shape)
    matrix[np.repeat(np.arange(factor.rows), np.diff(indptr)), indices] = weights.reshape(-1)
    return matrix


def activate(op: Activation, x: Array) -> Array:
    """An activation by its definition."""
    match op.function:
        case "relu":
            return np.maximum(x, 0.0)
        case "gelu":
            from scipy.special import erf

            return np.asarray(0.5 * x * (1.0 + erf(x / np.sqrt(2.0))))
        case "silu":
            return x * _sigmoid(x)
        case "tanh":
            return np.tanh(x)
        case "sigmoid":
            return _sigmoid(x)
        case "leaky_relu":
            return np.where(x >= 0.0, x, op.negative_slope * x)
        case "softmax":
            return np.exp(_log_softmax(x, op.axis))
        case "log_softmax":
            return _log_softmax(x, op.axis)
        case other:
            raise ValueError(f"no activation is called {other}")


def _sigmoid(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def _log_softmax(x: Array, axis: int | None) -> Array:
    return np.asarray(x - np.logaddexp.reduce(x, axis=-1 if axis is None else axis, keepdims=True))


def _block(block: Block, weights: Weights, value: Array) -> Array:
    for op in block:
        value = _operation(op, weights, value)
    return value


def _operation(op: Op, weights: Weights, x: Array) -> Array:
    match op:
        case Linear() | Conv():
            return _weighted(op, weights, x)
        case Activation():
            return activate(op, x)
        case Pool():
            return pooled(op, x)
        case Shuffle():
            return _shuffle(op, x)
        case Norm():
            return _norm(op, weights, x)
        case Pad():
            added = op.output[-1] - op.input[-1]
            return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, added)])
        case Crop():
            return x[..., : op.output[-1]]
        case Reshape():
            return x.reshape(len(x), *op.output)
        case Transpose():
            return x.swapaxes(-1, -2)
        case Embed():
            return weights[f"{attribute_path(op.path)}.weight"].astype(np.float64)[x.astype(np.int64)]
        case Position():
            return x + weights[f"{attribute_path(op.path)}.weight"]
        case Attention():
            return _attention(op, weights, x)
        case Dropout():
            return x
        case Repeat():
            for copy in op.copies:
                x = _block(copy, weights, x)
            return x
        case Inline():
            return _block(op.body, weights, x)
        case Residual():
            skip = x if op.project is None else _weighted(op.project, weights, x)
            return skip + _block(op.body, weights, x)
        case Sum():
            outputs = [_block(branch, weights, x) for branch in op.branches]
            return np.asarray(sum(outputs[1:], start=outputs[0]))
        case Concat():
            outputs = [_block(branch, weights, x) for branch in op.branches]
            return np.concatenate(outputs, axis=1 + feature_axis(op.output))
        case other:
            raise ValueError(f"{other.path}: the interpreter knows no {type(other).__name__}")


def _weighted(op: WeightedLayer, weights: Weights, x: Array) -> Array:
    if isinstance(op, Conv):
        result = convolve(op, weights, x, factor_matrix)
    else:
        result = x @ fabric_matrix(op.fabric, op.path, weights).T
    if not op.bias:
        return result
    bias = weights[f"{attribute_path(op.path)}.bias"]
    return result + (bias[:, None, None] if isinstance(op, Conv) else bias)


def _attention(op: Attention, weights: Weights, x: Array) -> Array:
    """Head by head; [batch, T, T] scores in memory."""
    q, k, v = (_weighted(layer, weights, x) for layer in (op.q, op.k, op.v))
    tokens = op.input[0]
    seen = np.tri(tokens, dtype=bool) if op.causal else np.ones((tokens, tokens), dtype=bool)
    results = []
    for start in range(0, op.input[-1], op.head_features):
        head = slice(start, start + op.head_features)
        scores = q[..., head] @ k[..., head].swapaxes(-1, -2) / np.sqrt(op.head_features)
        shares = np.exp(_log_softmax(np.where(seen, scores, -np.inf), -1))
        results.append(shares @ v[..., head])
    return _weighted(op.o, weights, np.concatenate(results, axis=-1))


def _shuffle(op: Shuffle, x: Array) -> Array:
    axis = 1 + feature_axis(op.input)
    size = x.shape[axis]
    order = np.arange(size).reshape(op.groups, -1).T.reshape(-1)
    return np.take(x, order, axis=axis)


def _norm(op: Norm, weights: Weights, x: Array) -> Array:
    """With the features last, [..., features], and those of an image's positions in front."""
    moved = np.moveaxis(x, 1 + feature_axis(op.input), -1)
    normal = _group_norm(op, moved) if op.norm == "group" else _normal(op, weights, moved)
    name = attribute_path(op.path)
    result = normal * weights[f"{name}.weight"].astype(np.float64)
    if op.norm != "rms":
        result = result + weights[f"{name}.bias"]
    return np.moveaxis(result, -1, 1 + feature_axis(op.input))


def _normal(op: Norm, weights: Weights, x: Array) -> Array:
    """[..., features] less its average, over its deviation."""
    name = attribute_path(op.path)
    match op.norm:
        case "batch":
            mean: Array = weights[f"{name}.running_mean"].astype(np.float64)
            square: Array = weights[f"{name}.running_var"].astype(np.float64)
        case "layer":
            mean = x.mean(axis=-1, keepdims=True)
            square = x.var(axis=-1, keepdims=True)
        case "rms":
            mean = np.zeros(())
            square = (x**2).mean(axis=-1, keepdims=True)
        case other:
            raise ValueError(f"{op.path}: no norm is called {other}")
    return np.asarray((x - mean) / np.sqrt(square + NORM_EPSILON))


def _group_norm(op: Norm, x: Array) -> Array:
    """Averages over each run of features: of an image over all positions, else at each position."""
    count = op.groups or 1
    groups = x.reshape(*x.shape[:-1], count, x.shape[-1] // count)
    axes = (1, 2, -1) if is_image(op.input) else (-1,)
    centred = groups - groups.mean(axis=axes, keepdims=True)
    square = (centred**2).mean(axis=axes, keepdims=True)
    return np.asarray((centred / np.sqrt(square + NORM_EPSILON)).reshape(x.shape))
