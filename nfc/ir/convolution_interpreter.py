"""The reference interpreter's convolutions and pools: every definition written out, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nfc.ir.convolutions import Conv, Pair, Pool
from nfc.ir.fabric import Cascade, Fabric, part_place
from nfc.ir.factors import Factor
from nfc.ir.parameters import Weights, factor_name

Array = NDArray[np.float64]
MatrixOf = Callable[[Factor, NDArray[np.floating]], Array]
"""A factor's masked matrix [rows, cols] out of its weights."""


def convolve(op: Conv, weights: Weights, x: Array, matrix_of: MatrixOf) -> Array:
    """[batch, C, H, W] → [batch, C', H', W'], without the bias."""
    return _fabric(op.fabric, op, weights, x, matrix_of, "", reads=True)


def pooled(op: Pool, x: Array) -> Array:
    """[batch, C, H, W] → [batch, C, H', W'], or [batch, C] of a global pool."""
    if op.pool == "global":
        return np.asarray(x.mean(axis=(2, 3)))
    size = (op.output[1], op.output[2])
    views = np.stack([view for _, view in shifted(x, op.kernel, op.stride, size)])
    return np.asarray(views.max(axis=0) if op.pool == "max" else views.mean(axis=0))


def shifted(x: Array, kernel: Pair, stride: Pair, size: Pair) -> Iterator[tuple[Pair, Array]]:
    """Each position of the kernel, and what it reads of the padded image at all places of the window."""
    for p, q in product(range(kernel[0]), range(kernel[1])):
        below, right = p + stride[0] * (size[0] - 1) + 1, q + stride[1] * (size[1] - 1) + 1
        yield (p, q), x[:, :, p : below : stride[0], q : right : stride[1]]


def _fabric(
    fabric: Fabric, op: Conv, weights: Weights, x: Array, matrix_of: MatrixOf, place: str, *, reads: bool
) -> Array:
    """The fabric at `place`; `reads` says whether it reads the layer's input, and so with kernels."""
    if isinstance(fabric, Factor):
        values = weights[factor_name(op.path, place)]
        return (
            _windows(op, fabric, values, x, matrix_of) if reads else _channels(matrix_of(fabric, values), x)
        )
    outputs = []
    for index, part in enumerate(fabric.parts):
        first = reads and (index == 0 or not isinstance(fabric, Cascade))
        y = _fabric(part, op, weights, x, matrix_of, part_place(place, index), reads=first)
        x = y if isinstance(fabric, Cascade) else x
        outputs.append(y)
    return x if isinstance(fabric, Cascade) else np.asarray(sum(outputs[1:], start=outputs[0]))


def _windows(op: Conv, factor: Factor, values: NDArray[np.floating], x: Array, matrix_of: MatrixOf) -> Array:
    """A sum over the kernel's positions, each a masked matrix of its own over the channels."""
    (above, left), size = op.padding, (op.output[1], op.output[2])
    padded = np.pad(x, [(0, 0), (0, 0), (above, above), (left, left)])
    result = np.zeros((len(x), factor.rows, *size))
    for (p, q), view in shifted(padded, op.kernel, op.stride, size):
        result += _channels(matrix_of(factor, values[..., p, q]), view)
    return result


def _channels(matrix: Array, x: Array) -> Array:
    """The matrix times the channels at every position."""
    return np.asarray(np.einsum("oi,niyx->noyx", matrix, x))
