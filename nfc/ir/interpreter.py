"""The reference interpreter: dense masked matrices in float64, slow and obviously right.

Every other way to run a network is tested against this one, so nothing here is clever: each
operation is its definition, and a fabric is multiplied out to one rows × cols matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
)
from nfc.ir.parameters import Weights, factor_name

Array = NDArray[np.float64]


def interpret(network: Network, weights: Weights, value: NDArray[np.floating]) -> Array:
    """The network's output at inference.

    Args:
        network: any network; draws are not needed.
        weights: every parameter and buffer of `nfc.ir.parameters.parameters(network)`.
        value: [batch, *network.input].

    Returns:
        [batch, *network.output], float64.
    """
    if value.shape[1:] != network.input:
        raise ValueError(f"the input has shape {value.shape[1:]}, the network takes {network.input}")
    return _block(network.body, weights, value.astype(np.float64))


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
        case Linear():
            return _linear(op, weights, x)
        case Activation():
            return activate(op, x)
        case Norm():
            return _norm(op, weights, x)
        case Pad():
            added = op.output[-1] - op.input[-1]
            return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, added)])
        case Crop():
            return x[..., : op.output[-1]]
        case Reshape():
            return x.reshape(len(x), *op.output)
        case Dropout():
            return x
        case Repeat():
            for copy in op.copies:
                x = _block(copy, weights, x)
            return x
        case Inline():
            return _block(op.body, weights, x)
        case Residual():
            skip = x if op.project is None else _linear(op.project, weights, x)
            return skip + _block(op.body, weights, x)
        case Sum():
            outputs = [_block(branch, weights, x) for branch in op.branches]
            return np.asarray(sum(outputs[1:], start=outputs[0]))
        case Concat():
            return np.concatenate([_block(branch, weights, x) for branch in op.branches], axis=-1)
        case other:
            raise ValueError(f"{other.path}: the interpreter knows no {type(other).__name__}")


def _linear(op: Linear, weights: Weights, x: Array) -> Array:
    result = x @ fabric_matrix(op.fabric, op.path, weights).T
    return result + weights[f"{attribute_path(op.path)}.bias"] if op.bias else result


def _norm(op: Norm, weights: Weights, x: Array) -> Array:
    name = attribute_path(op.path)
    scale = weights[f"{name}.weight"].astype(np.float64)
    match op.norm:
        case "batch":
            mean: Array = weights[f"{name}.running_mean"].astype(np.float64)
            square: Array = weights[f"{name}.running_var"].astype(np.float64)
        case "layer":
            mean = x.mean(axis=-1, keepdims=True)
            square = x.var(axis=-1, keepdims=True)
        case "rms":
            mean_square = (x**2).mean(axis=-1, keepdims=True)
            return np.asarray(x / np.sqrt(mean_square + NORM_EPSILON) * scale)
        case other:
            raise ValueError(f"{op.path}: no norm is called {other}")
    result: Array = (x - mean) / np.sqrt(square + NORM_EPSILON) * scale + weights[f"{name}.bias"]
    return result
