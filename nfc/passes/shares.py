"""Which share of its target each of several addends takes, so that their sum keeps the second moment.

Values behind a weighted layer have mean 0, and the second moments of n of them add up: the share is
1/n. Values behind an activation such as relu have a mean, and means add up before they are squared:
n of them have the second moment n · E[f²] + n (n − 1) · E[f]².
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from nfc.analysis.activations import elementwise, gain, through
from nfc.analysis.rectifiers import coherence
from nfc.analysis.signal import Signal
from nfc.ir.convolutions import Shuffle
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Crop,
    Dropout,
    Inline,
    Pad,
    Repeat,
    Reshape,
    Sum,
)
from nfc.ir.sequences import Position, Transpose

DIGITS = 6
"""Significant digits of what is found by quadrature, fewer than any two machines agree on."""


def share(addends: int, last: Iterable[Activation | None]) -> float:
    """The part of its target at which a block's last layer aims, if the block is one of so many addends.

    Args:
        last: what gives the block's values, as `endings` finds it.
    """
    return min(_share(addends, each) for each in last)


def endings(block: Block) -> list[Activation | None]:
    """The activations whose values a block gives; None stands for every other operation."""
    for op in reversed(block):
        match op:
            case Dropout() | Reshape() | Pad() | Crop() | Shuffle() | Transpose() | Position():
                continue
            case Activation():
                return [op]
            case Repeat():
                return endings(op.copies[-1])
            case Inline():
                return endings(op.body)
            case Sum() | Concat():
                return [each for branch in op.branches for each in endings(branch)]
            case _:
                return [None]
    return [None]


def _share(addends: int, last: Activation | None) -> float:
    if last is None:
        return 1.0 / addends
    match last.function:
        case "relu" | "leaky_relu":
            return 1.0 / (addends * (1.0 + (addends - 1) * coherence(last.negative_slope)))
        case "gelu" | "silu" | "tanh":
            return _found_share(addends, last.function)
        case _:  # the means of sigmoid and of the softmaxes are the same at any share
            return 1.0 / addends


@cache
def _found_share(addends: int, function: str) -> float:
    """The share at which so many addends have the second moment of one with the whole target."""
    low, high = 0.0, 1.0
    whole = _second_of_sum(1, function, 1.0)
    while high - low > 10.0 ** -(DIGITS + 2) * high:
        middle = (low + high) / 2.0
        if _second_of_sum(addends, function, middle) > whole:
            high = middle
        else:
            low = middle
    return float(f"{high:.{DIGITS}g}")


def _second_of_sum(addends: int, function: str, share: float) -> float:
    op = Activation(path=function, input=(1,), output=(1,), function=function)
    apply, variance = elementwise(op), np.array([gain(op) * share])
    assert apply is not None
    output, _ = through(apply, Signal(variance, np.zeros(1), np.zeros(1)))
    return float(addends * (output.second[0] + (addends - 1) * output.mean[0] ** 2))
