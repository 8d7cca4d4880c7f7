# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The order of features in emitted modules: their digits, and how they lie in memory.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

from torch import Tensor


class Layout:
    """Another order of features: they are cut into axes of some sizes, which then take a new order.

    Axes that follow those of the features, the `tail`, stay where they are.
    """

    def __init__(self, sizes: tuple[int, ...], order: tuple[int, ...]):
        self.sizes = sizes
        self.order = order
        self.ordered = tuple(sizes[axis] for axis in order)
        back = tuple(sorted(range(len(order)), key=order.__getitem__))
        tails = [tuple(range(len(order), len(order) + axes)) for axes in range(3)]
        self.forward, self.backward = ([axes + tail for tail in tails] for axes in (order, back))

    def of(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout, [*ordered, *tail]."""
        return x.reshape(self.sizes + tail).permute(self.forward[len(tail)])

    def back(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout as it was before, [*sizes, *tail]."""
        return x.reshape(self.ordered + tail).permute(self.backward[len(tail)])


def moved(
    x: Tensor,
    layout: Layout | None,
    shape: tuple[int, ...],
    tail: tuple[int, ...],
) -> Tensor:
    """A tensor [*features, *tail] as [*shape, *tail], in another layout if one is given."""
    return (x if layout is None else layout.of(x, tail)).reshape(shape + tail)


def move(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> Layout | None:
    """The layout that permutes digits in memory; None where they stay."""
    if before == after:
        return None
    return merged([size for _, size in before], [before.index(digit) for digit in after])


def descending(digits) -> list[tuple[int, int]]:
    """Digits from the highest to the lowest, as features are numbered."""
    return sorted(digits, reverse=True)


def cut(digits: list[tuple[int, int]] | None, stride: int) -> list[tuple[int, int]] | None:
    """Digits so that none has places both below and above a stride; None where one has to break."""
    if digits is None:
        return None
    pieces = []
    for low, size in digits:
        if not low < stride < low * size:
            pieces.append((low, size))
        elif stride % low or low * size % stride:
            return None
        else:
            pieces += [(stride, low * size // stride), (low, stride // low)]
    return [piece for piece in pieces if piece[1] != 1]


def divided(memory: list[tuple[int, int]], stage: tuple[int, int, int, int]):
    """Digits cut so that a stage reads whole ones, those that it reads and the rest of them, from
    the highest to the lowest each; None where they cannot be cut so.
    """
    _, _, inputs, stride = stage
    pieces = cut(cut(memory, stride), inputs * stride)
    if pieces is None:
        return None
    read = descending(digit for digit in pieces if stride <= digit[0] < inputs * stride)
    return pieces, read, descending(digit for digit in pieces if digit not in read)


def written(rest: list[tuple[int, int]], stage: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """The digits after a stage, numbered anew: those that it has not read, and its outputs' last."""
    _, outputs, inputs, stride = stage
    rest = [(low // inputs * outputs if low >= stride else low, size) for low, size in rest]
    return rest + [(stride, outputs)] * (outputs > 1)


def merged(sizes: list[int], order: list[int]) -> Layout:
    """The layout of axes, those that stay side by side made one: fewer axes copy faster.

    One size may be -1, that of the axis of samples, whose number is not known here.
    """
    long = [axis for axis, size in enumerate(sizes) if size != 1]
    runs: list[list[int]] = []
    for axis in (long.index(axis) for axis in order if axis in long):
        if runs and axis == runs[-1][-1] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    before = sorted(runs)
    return Layout(
        tuple(max(-1, math.prod(sizes[long[axis]] for axis in run)) for run in before),
        tuple(before.index(run) for run in runs),
    )
