"""Convolutions, pools, shuffles and group norms of a Plan on NumPy: one product for each place in a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc.ir.convolutions import Pair, Pool, Shuffle
from nfc.ir.network import NORM_EPSILON, Norm, feature_axis, is_image
from nfc.ir.parameters import Weights
from nfc.lowering.kernels import weighted_kernels
from nfc.lowering.plan import Add, Chain, Convolution, Kernel

Array = NDArray[np.float32]
Apply = Callable[[Kernel, Weights, Array], Array]
"""A kernel's product with x, [features, batch] in and out."""


def convolve(op: Convolution, weights: Weights, x: Array, apply: Apply) -> Array:
    """[batch, C, H, W] → [batch, C', H', W']."""
    y = _kernel(op.kernel, op, weights, x, apply)
    return y if op.bias is None else y + weights[op.bias][:, None, None]


def pooled(op: Pool, x: Array) -> Array:
    """Windows of [batch, C, H, W] made one number each; all of it for `global`, [batch, C]."""
    size = (1, 1) if op.pool == "global" else (op.output[1], op.output[2])
    views = np.stack([view for _, view in _views(x, op.kernel, op.stride, size)])
    result = views.max(axis=0) if op.pool == "max" else views.mean(axis=0)
    return np.asarray(result.reshape(len(x), *op.output))


def shuffled(op: Shuffle, x: Array) -> Array:
    axis = 1 + feature_axis(op.input)
    cut = x.reshape(*x.shape[:axis], op.groups, x.shape[axis] // op.groups, *x.shape[axis + 1 :])
    return np.swapaxes(cut, axis, axis + 1).reshape(x.shape)


def group_norm(op: Norm, x: Array) -> Array:
    """Each group of features less its average, over its deviation; of an image over all positions."""
    lead = (len(x),) if is_image(op.input) else x.shape[:-1]
    groups = x.reshape(*lead, op.groups or 1, prod(x.shape[len(lead) :]) // (op.groups or 1))
    mean, variance = groups.mean(axis=-1, keepdims=True), groups.var(axis=-1, keepdims=True)
    return np.asarray((groups - mean) / np.sqrt(variance + np.float32(NORM_EPSILON))).reshape(x.shape)


def _kernel(kernel: Kernel, op: Convolution, weights: Weights, x: Array, apply: Apply) -> Array:
    match kernel:
        case Chain(parts=parts):
            return reduce(lambda value, part: _kernel(part, op, weights, value, apply), parts, x)
        case Add(parts=parts):
            return reduce(np.add, [_kernel(part, op, weights, x, apply) for part in parts])
        case _:
            slides = any(each.weight.window for each in weighted_kernels(kernel))
            return (
                _windows(kernel, op, weights, x, apply) if slides else _pointwise(kernel, weights, x, apply)
            )


def _windows(kernel: Kernel, op: Convolution, weights: Weights, x: Array, apply: Apply) -> Array:
    """The sum of pointwise products, one for each place in the window."""
    (above, left), size = op.padding, (op.output[1], op.output[2])
    padded = np.pad(x, [(0, 0), (0, 0), (above, above), (left, left)])
    names = [each.weight.name for each in weighted_kernels(kernel)]
    terms = [
        _pointwise(kernel, {name: weights[name][..., p, q] for name in names}, view, apply)
        for (p, q), view in _views(padded, op.window, op.stride, size)
    ]
    return reduce(np.add, terms)


def _pointwise(kernel: Kernel, weights: Weights, x: Array, apply: Apply) -> Array:
    """The kernel's product with the channels at every position."""
    moved = np.moveaxis(x, 1, 0)
    y = apply(kernel, weights, moved.reshape(len(moved), prod(moved.shape[1:])))
    return np.moveaxis(y.reshape(len(y), *moved.shape[1:]), 0, 1)


def _views(x: Array, kernel: Pair, stride: Pair, size: Pair) -> Iterator[tuple[Pair, Array]]:
    """Each place in the window, and what it reads wherever the window lies."""
    for p, q in product(range(kernel[0]), range(kernel[1])):
        rows = slice(p, p + stride[0] * (size[0] - 1) + 1, stride[0])
        columns = slice(q, q + stride[1] * (size[1] - 1) + 1, stride[1])
        yield (p, q), x[:, :, rows, columns]
