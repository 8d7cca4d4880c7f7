"""Signals through operations on [C, H, W]: moments forward, gradients back.

Moments are kept for every channel at every position, so what zero padding takes from the borders is
counted exactly. Two positions of a channel at one input are taken to be as alike as one position at
two inputs: through random kernels they read different numbers (Xiao et al., "Dynamical isometry and a
mean field theory of CNNs", ICML 2018). So averages over positions need no more than `Signal` holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from math import prod

import numpy as np

from nfc.analysis.signal import Array, Signal
from nfc.analysis.variance import Pullback, through_weights
from nfc.ir.convolutions import Conv, Pair, Pool, Shuffle
from nfc.ir.network import NORM_EPSILON, Norm, Shape, feature_axis, is_image

Step = tuple[Signal, Pullback]
"""An operation's output, and the way back."""
Slices = tuple[slice, slice]

REACH, POINTS = 8.0, 4001
"""The interval ±REACH and the number of points of integrals over a normal density; both far beyond need."""


def convolved(op: Conv, signal: Signal) -> Step:
    """Weights of mean 0 leave no mean; second moments are summed over the windows, then go through the channels."""
    moments = np.stack([signal.second, signal.shared])
    summed = window_sums(moments, op.kernel, op.stride, op.padding, op.output[1:])
    output, through_channels = through_weights(op, np.moveaxis(summed, 1, -1))
    second, shared = np.moveaxis(output, -1, 1)

    def pullback(gradient: Array) -> Array:
        behind = np.moveaxis(through_channels(np.moveaxis(gradient, 0, -1)), -1, 0)
        return spread_windows(behind, op.kernel, op.stride, op.padding, op.input[1:])

    return Signal(second, shared, np.zeros_like(second)), pullback


def pooled(op: Pool, signal: Signal) -> Step:
    """`avg` and `global` by what two positions share; `max` for normal values that share as much."""
    area = prod(op.kernel)
    size: Shape = (1, 1) if op.pool == "global" else op.output[1:]

    def averaged(moments: Array) -> Array:
        sums = window_sums(moments, op.kernel, op.stride, (0, 0), size)
        return sums.reshape(op.output) / area

    def pullback(gradient: Array) -> Array:
        # the greatest of a window passes its gradient on to one number, a mean its share to each
        shares = gradient.reshape(op.input[0], *size) / (area if op.pool == "max" else area**2)
        return spread_windows(shares, op.kernel, op.stride, (0, 0), op.input[1:])

    inside = signal.rearranged(averaged)
    return (_greatest(inside, area) if op.pool == "max" else _mean(inside, area)), pullback


def shuffled(op: Shuffle, signal: Signal) -> Step:
    axis = feature_axis(op.input)
    order = np.arange(op.input[axis]).reshape(op.groups, -1).T.reshape(-1)
    back = np.argsort(order)
    return (
        signal.rearranged(lambda moments: moments.take(order, axis=axis)),
        lambda gradient: gradient.take(back, axis=axis),
    )


def group_normed(op: Norm, signal: Signal) -> Step:
    """Takes off the average of a group's channels, over all positions of an image.

    The average of n channels at P positions has the second moment m² + (s − m²) / n + (q − s) / (n P),
    for E[h²] = q, E[h h'] = s and E[h] = m.
    """
    groups = op.groups or 1
    axis = feature_axis(op.input)
    cut = (*op.input[:axis], groups, op.input[axis] // groups, *op.input[axis + 1 :])
    axes = tuple(range(1, len(cut))) if is_image(op.input) else (-1,)
    channels, positions = op.input[axis] // groups, prod(op.input[1:]) if is_image(op.input) else 1
    grouped = signal.rearranged(lambda moments: moments.reshape(cut))
    square = (grouped.mean**2).mean(axis=axes, keepdims=True)
    shared = (grouped.shared.mean(axis=axes, keepdims=True) - square) / channels
    own = (grouped.second - grouped.shared).mean(axis=axes, keepdims=True) / (channels * positions)
    shifted = grouped.shifted(-grouped.mean.mean(axis=axes, keepdims=True))
    centred = replace(
        shifted,
        second=np.maximum(shifted.second - shared - own, 0.0),
        shared=np.maximum(shifted.shared - shared, 0.0),
    )
    if grouped.tokens is not None and shifted.tokens is not None:
        alike = (grouped.tokens.mean(axis=axes, keepdims=True) - square) / channels
        centred = replace(centred, tokens=np.maximum(shifted.tokens - alike, 0.0))
    inverse = 1.0 / (centred.second.mean(axis=axes, keepdims=True) + NORM_EPSILON)
    factor = np.broadcast_to(inverse, cut).reshape(op.input)
    output = centred.scaled(inverse).rearranged(lambda moments: moments.reshape(op.input))
    return output, lambda gradient: gradient * factor


def window_sums(values: Array, kernel: Pair, stride: Pair, padding: Pair, size: Shape) -> Array:
    """The sum over each window of the padded image, […, H, W] → […, *size]."""
    above, left = padding
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(above, above), (left, left)])
    result = np.zeros((*values.shape[:-2], *size))
    for rows, columns in _reads(kernel, stride, size):
        result += padded[..., rows, columns]
    return result


def spread_windows(values: Array, kernel: Pair, stride: Pair, padding: Pair, size: Shape) -> Array:
    """Each number added to all that its window reads, […, H', W'] → […, *size]: the adjoint of `window_sums`."""
    (above, left), (height, width) = padding, size
    padded = np.zeros((*values.shape[:-2], height + 2 * above, width + 2 * left))
    for rows, columns in _reads(kernel, stride, values.shape[-2:]):
        padded[..., rows, columns] += values
    return padded[..., above : above + height, left : left + width]


def _reads(kernel: Pair, stride: Pair, size: Shape) -> Iterator[Slices]:
    """What each position of the kernel reads of the padded image, for windows at `size` places."""
    for p, q in product(range(kernel[0]), range(kernel[1])):
        below, right = p + stride[0] * (size[0] - 1) + 1, q + stride[1] * (size[1] - 1) + 1
        yield slice(p, below, stride[0]), slice(q, right, stride[1])


def _mean(inside: Signal, count: int) -> Signal:
    """The mean of so many numbers, each pair of which shares what one does at two inputs."""
    second = (inside.second + (count - 1) * inside.shared) / count
    return Signal(second, inside.shared, inside.mean)


def _greatest(inside: Signal, count: int) -> Signal:
    """The greatest of so many normal numbers: a common part, and one that each has for itself."""
    expected, variance = greatest_normal(count)
    own = np.maximum(inside.second - inside.shared, 0.0)
    common = np.maximum(inside.shared - inside.mean**2, 0.0)
    mean = inside.mean + expected * np.sqrt(own)
    shared = mean**2 + common
    return Signal(shared + variance * own, shared, mean)


@cache
def greatest_normal(count: int) -> tuple[float, float]:
    """Mean and variance of the greatest of `count` independent standard normal numbers, by quadrature."""
    from scipy.special import ndtr

    x = np.linspace(-REACH, REACH, POINTS)
    below = ndtr(x) ** count
    mass = np.diff(below)
    middle = (x[1:] + x[:-1]) / 2.0
    mean = float((middle * mass).sum())
    return mean, float((middle**2 * mass).sum()) - mean**2
