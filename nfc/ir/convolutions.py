"""Operations on [C, H, W]: convolutions, depthwise ones, pools and channel shuffles.

A window of `kernel` = (height, width) slides over the zero-padded image by `stride`; the output at
(y, x) reads the input at (y·stride₀ − padding₀ + p, x·stride₁ − padding₁ + q) for (p, q) in the
window (cross-correlation, as every framework calls convolution).
"""

from __future__ import annotations

from dataclasses import dataclass

from nfc.ir.network import Op, Shape, WeightedLayer

Pair = tuple[int, int]
"""Of the height and of the width."""

POOLS = ("max", "avg", "global")


@dataclass(frozen=True, kw_only=True)
class Conv(WeightedLayer):
    """A convolution [C, H, W] → [C', H', W'] whose channels `fabric` wires.

    The factors that read the layer's input (`nfc.ir.fabric.reads_input`) have a kernel on every edge:
    weights [*factor.weight_shape, height, width]. All other factors are pointwise.
    """

    kernel: Pair
    stride: Pair
    padding: Pair

    @property
    def window(self) -> Shape:
        return self.kernel

    @property
    def positions(self) -> int:
        return self.output[1] * self.output[2]


@dataclass(frozen=True, kw_only=True)
class Depthwise(Conv):
    """A convolution of each channel by itself: the fabric is a diagonal."""


@dataclass(frozen=True, kw_only=True)
class Pool(Op):
    """The greatest (`max`) or the mean (`avg`) number of each window; `global` leaves the mean of each channel, [C].

    Windows lie inside the image. `global` has the whole image for its kernel and its stride.
    """

    pool: str
    kernel: Pair
    stride: Pair


@dataclass(frozen=True, kw_only=True)
class Shuffle(Op):
    """Features numbered (group, index) numbered (index, group) instead; on [C, H, W] the channels.

    The channel shuffle of ShuffleNet (Zhang et al., CVPR 2018).
    """

    groups: int


def window_count(size: int, kernel: int, stride: int, padding: int) -> int:
    """Places of a window along an axis; less than 1 where it does not fit."""
    return (size + 2 * padding - kernel) // stride + 1


def swept(shape: Shape, kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """(H', W') of windows over [C, H, W]."""
    height, width = (
        window_count(size, *axis)
        for size, axis in zip(shape[1:], zip(kernel, stride, padding, strict=True), strict=True)
    )
    return height, width
