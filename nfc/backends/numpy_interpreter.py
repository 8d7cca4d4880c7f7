"""Runs a Plan on NumPy at inference: an oracle for the printers that shares nothing with them.

What a plan fuses, scatters or clusters is run as the kernels that it stands for.
Float32 in and out. Batch norms use their running statistics, dropouts do nothing.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nfc.backends.numpy_convolutions import convolve, group_norm, pooled, shuffled
from nfc.ir.convolutions import Pool, Shuffle
from nfc.ir.names import attribute_path
from nfc.ir.network import (
    NORM_EPSILON,
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
    feature_axis,
)
from nfc.ir.parameters import Weights
from nfc.ir.sequences import Attention, Embed, Position, Transpose, vocabulary
from nfc.ir.tokens import token_ids
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    Convolution,
    CropFeatures,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Plan,
    Product,
    Scattered,
    Sparse,
)

Array = NDArray[Any]
"""Float32, or token ids."""


def run_plan(
    plan: Plan, weights: Weights, x: NDArray[np.float32] | NDArray[np.integer]
) -> NDArray[np.float32]:
    """The plan's output [batch, *output] for x [batch, *input], with the weights under their names.

    Raises:
        ValueError: the plan begins with an embedding, and x holds no ids of its tokens.
    """
    tokens = vocabulary(plan.body)
    numbers = np.asarray(x, np.float32) if tokens is None else token_ids(x, tokens)
    return np.asarray(_run_block(plan.body, weights, numbers), np.float32)


def _run_block(block: Block, weights: Weights, x: Array) -> Array:
    for op in block:
        x = _run(op, weights, x)
    return x


def _run(op: Op, weights: Weights, x: Array) -> Array:
    match op:
        case Convolution():
            return convolve(op, weights, x, apply_kernel)
        case Product():
            return _product(op, weights, x)
        case Pool():
            return pooled(op, x)
        case Shuffle():
            return shuffled(op, x)
        case Activation():
            return _activation(op, x)
        case Pad():
            return _resize(x, op.output[-1], axis=-1)
        case Crop():
            return x[..., : op.output[-1]]
        case Reshape():
            return x.reshape(len(x), *op.output)
        case Norm():
            return _norm(op, weights, x)
        case Transpose():
            return x.swapaxes(-1, -2)
        case Embed():
            return weights[f"{attribute_path(op.path)}.weight"][x]
        case Position():
            return x + weights[f"{attribute_path(op.path)}.weight"]
        case Attention():
            return _attention(op, weights, x)
        case Dropout():
            return x
        case Repeat(copies=copies):
            return reduce(lambda value, copy: _run_block(copy, weights, value), copies, x)
        case Residual(body=body, project=project):
            shortcut = x if project is None else _run(project, weights, x)
            return shortcut + _run_block(body, weights, x)
        case Sum(branches=branches):
            return reduce(np.add, [_run_block(branch, weights, x) for branch in branches])
        case Concat(branches=branches):
            outputs = [_run_block(branch, weights, x) for branch in branches]
            return np.concatenate(outputs, axis=1 + feature_axis(op.output))
        case Inline(body=body):
            return _run_block(body, weights, x)
        case _:
            raise TypeError(f"{op.path}: a plan holds no {type(op).__name__}")


def _product(op: Product, weights: Weights, x: Array) -> Array:
    feature_first = x.reshape(-1, op.input[-1]).T
    y = apply_kernel(op.kernel, weights, feature_first).T
    if op.bias is not None:
        y = y + weights[op.bias]
    return y.reshape(*x.shape[:-1], op.output[-1])


def _attention(op: Attention, weights: Weights, x: Array) -> Array:
    """All heads at once: [batch, heads, T, features of a head]."""
    from scipy.special import softmax

    def split(layer: object) -> Array:
        y = _product(cast("Product", layer), weights, x)
        return y.reshape(*y.shape[:-1], op.heads, -1).swapaxes(-2, -3)

    queries, keys, values = split(op.q), split(op.k), split(op.v)
    scores = np.einsum("bhtd,bhsd->bhts", queries, keys) * np.float32(op.head_features**-0.5)
    if op.causal:
        scores += np.triu(np.full(scores.shape[-2:], -np.inf, np.float32), k=1)
    means = np.einsum("bhts,bhsd->bthd", softmax(scores, axis=-1), values)
    return _product(cast("Product", op.o), weights, means.reshape(x.shape))


def apply_kernel(kernel: Kernel, weights: Weights, x: Array) -> Array:
    """The kernel's product with x, [features, batch] in and out."""
    match kernel:
        case Dense(weight=weight):
            return weights[weight.name] @ x
        case Blocked(a=a, b=b, c=c, d=d):
            blocks = _blocks(kernel, weights[kernel.weight.name]).reshape(a, b, d, c)
            y = np.einsum("abdc,acdn->abdn", blocks, x.reshape(a, c, d, x.shape[1]))
            return np.asarray(y.reshape(a * b * d, x.shape[1]))
        case BlockSets(weight=weight, row_sets=row_sets, col_sets=col_sets):
            y = np.empty((row_sets.size, x.shape[1]), x.dtype)
            y[row_sets] = weights[weight.name][row_sets] @ x[col_sets]
            return y
        case Neighbours(weight=weight, table=table):
            return np.asarray(np.einsum("ok,okn->on", weights[weight.name], x[table]))
        case Sparse():
            return _sparse(kernel, weights[kernel.weight.name], x)
        case Fused(parts=parts):
            return reduce(lambda value, part: apply_kernel(part, weights, value), parts, x)
        case Edgewise(kernel=inner) | Scattered(kernel=inner) | Clustered(kernel=inner):
            return apply_kernel(inner, weights, x)
        case PadFeatures(size=size):
            return _resize(x, size, axis=0)
        case CropFeatures(size=size):
            return x[:size]
        case Chain(parts=parts):
            return reduce(lambda value, part: apply_kernel(part, weights, value), parts, x)
        case Add(parts=parts):
            return reduce(np.add, [apply_kernel(part, weights, x) for part in parts])


def _blocks(kernel: Blocked, weight: Array) -> Array:
    """The flattened blocks, zero where edges are missing."""
    if kernel.places is None:
        return weight
    blocks = np.zeros(kernel.a * kernel.b * kernel.d * kernel.c, np.float32)
    blocks[kernel.places] = weight
    return blocks


def _sparse(kernel: Sparse, weight: Array, x: Array) -> Array:
    from scipy.sparse import csr_array

    matrix = csr_array((weight, kernel.indices, kernel.indptr), shape=(kernel.rows, kernel.cols))
    return np.asarray(matrix @ x)


def _resize(x: Array, size: int, axis: int) -> Array:
    """Zeros at the end of an axis, up to `size`."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, size - x.shape[axis])
    return np.pad(x, widths)


def _activation(op: Activation, x: Array) -> Array:
    from scipy.special import erf, expit, log_softmax, softmax

    match op.function:
        case "relu":
            return np.maximum(x, 0)
        case "gelu":
            return np.asarray(x * 0.5 * (1 + erf(x / np.float32(np.sqrt(2.0)))))
        case "silu":
            return np.asarray(x * expit(x))
        case "tanh":
            return np.asarray(np.tanh(x))
        case "sigmoid":
            return np.asarray(expit(x))
        case "leaky_relu":
            return np.where(x > 0, x, np.float32(op.negative_slope) * x)
        case "softmax":
            return np.asarray(softmax(x, axis=op.axis))
        case "log_softmax":
            return np.asarray(log_softmax(x, axis=op.axis))
        case _:
            raise TypeError(f"{op.path}: no activation is called {op.function}")


def _norm(op: Norm, weights: Weights, x: Array) -> Array:
    """With the features last while it is normal; those of an image are its channels."""
    base, axis = attribute_path(op.path), 1 + feature_axis(op.input)
    normal = group_norm(op, x) if op.norm == "group" else None
    moved = np.moveaxis(x if normal is None else normal, axis, -1)
    scaled = weights[f"{base}.weight"] * (moved if normal is not None else _normal(op, weights, moved))
    result = scaled if op.norm == "rms" else scaled + weights[f"{base}.bias"]
    return np.moveaxis(result, -1, axis)


def _normal(op: Norm, weights: Weights, x: Array) -> Array:
    """[..., features] less its average, over its deviation."""
    base, epsilon = attribute_path(op.path), np.float32(NORM_EPSILON)
    match op.norm:
        case "batch":
            mean, variance = weights[f"{base}.running_mean"], weights[f"{base}.running_var"]
        case "layer":
            mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
        case _:
            return np.asarray(x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + epsilon))
    return np.asarray((x - mean) / np.sqrt(variance + epsilon))
