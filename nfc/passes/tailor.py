"""The pass that chooses `leaky_relu slope=auto`: the slope that keeps angles apart at the network's depth.

Each activation turns the cosine c between two inputs' signals into C(c) ≥ c, so that behind many of
them all inputs look alike. The nearer a leaky relu's slope is to 1, the less each does. Tailored
Activation Transformation (Zhang, Botev and Martens, Deep learning without shortcuts: shaping the
kernel with tailored rectifiers, ICLR 2022) takes the slope at which the whole network maps cosine 0
to a given one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod, sqrt
from statistics import fmean
from typing import ClassVar, TypeVar

import numpy as np

from nfc.analysis.elementwise import residual_branches
from nfc.analysis.rectifiers import coherence, cosine_behind
from nfc.diagnostics import Sink
from nfc.ir.convolutions import Pool
from nfc.ir.network import (
    AUTO_SLOPE,
    Activation,
    Block,
    Concat,
    Inline,
    Network,
    Norm,
    Op,
    Repeat,
    Residual,
    Sum,
    WeightedLayer,
    feature_axis,
    walk,
)
from nfc.ir.op_rules import shape_after
from nfc.ir.sequences import Attention
from nfc.passes.base import Pass
from nfc.passes.rewrite import rewrite
from nfc.passes.shares import endings, share
from nfc.passes.targets import residuals_in_a_row

COSINE = 0.9
"""Where the network takes inputs at right angles: the η of the paper."""
DIGITS = 6
"""Significant digits of a slope, fewer than any two machines agree on."""


Item = TypeVar("Item", Op, Activation | None)


@dataclass(frozen=True)
class Tailor(Pass):
    """Sets every automatic slope of a network to one number, from 0 (relu) to 1 (the identity).

    Time is in the operations; networks without automatic slopes stay as they are.
    """

    name: ClassVar[str] = "tailor"

    def run(self, network: Network, sink: Sink) -> Network:
        if not any(map(_is_automatic, walk(network.body))):
            return network
        return with_slope(network, chosen_slope(network))


def with_slope(network: Network, slope: float) -> Network:
    """The network with this slope for every automatic one."""
    return replace(network, body=rewrite(network.body, lambda op: _shaped(op, slope)))


def chosen_slope(network: Network) -> float:
    """The slope at which the automatic activations alone take cosine 0 to COSINE.

    It is 0 where even relu's do not take it so far.
    """
    if network_cosine(network, 0.0) <= COSINE:
        return 0.0
    low, high = 0.0, 1.0
    while high - low > 10.0 ** -(DIGITS + 2) * high:
        middle = (low + high) / 2.0
        if network_cosine(network, middle) > COSINE:
            low = middle
        else:
            high = middle
    return float(f"{high:.{DIGITS}g}")


def network_cosine(network: Network, slope: float) -> float:
    """Where the network's automatic activations alone, with this slope, take the cosine 0."""
    return _block(network.body, _State(1.0, 0.0, 0.0), slope, residuals_in_a_row(network.body)).cosine


@dataclass(frozen=True)
class _State:
    """Moments that all neurons of a place share: E[h²], E[h h'] at another input, and E[h]."""

    second: float
    shared: float
    mean: float

    @property
    def cosine(self) -> float:
        return min(1.0, self.shared / self.second)

    def scaled(self, square: float) -> _State:
        return _State(self.second * square, self.shared * square, self.mean * sqrt(square))

    def plus(self, other: _State) -> _State:
        cross = 2.0 * self.mean * other.mean
        return _State(
            self.second + other.second + cross, self.shared + other.shared + cross, self.mean + other.mean
        )


def _is_automatic(op: Op | None) -> bool:
    return isinstance(op, Activation) and op.slope == AUTO_SLOPE


def _shaped(op: Item, slope: float) -> Item:
    return replace(op, slope=slope) if isinstance(op, Activation) and _is_automatic(op) else op


def _block(block: Block, state: _State, slope: float, residuals: int) -> _State:
    for op in block:
        state = _operation(op, state, slope, residuals)
    return state


def _operation(op: Op, state: _State, slope: float, residuals: int) -> _State:
    """Targets keep the second moment from layer to layer; so weights take away the mean alone."""
    match op:
        case WeightedLayer() | Attention():
            return replace(state, mean=0.0)
        case Pool():
            return _pooled(op, state)
        case Norm():
            return state.scaled(1.0 / state.second)
        case Activation():
            return _leaky(state, slope) if _is_automatic(op) else state
        case Repeat():
            for copy in op.copies:
                state = _block(copy, state, slope, residuals)
            return state
        case Inline():
            return _block(op.body, state, slope, residuals)
        case Residual():
            skip, body = residual_branches(op)
            inside = _block(body, state, slope, residuals_in_a_row(body))
            addend = inside.scaled(_share(residuals, body, slope))
            return _block(skip, state, slope, residuals).plus(addend)
        case Sum():
            outputs = [_block(branch, state, slope, residuals) for branch in op.branches]
            shares = [_share(len(outputs), branch, slope) for branch in op.branches]
            return reduce(_State.plus, map(_State.scaled, outputs, shares))
        case Concat():
            outputs = [_block(branch, state, slope, residuals) for branch in op.branches]
            axis = feature_axis(op.output)
            widths = [shape_after(branch, op.input)[axis] for branch in op.branches]
            return _averaged(outputs, widths)
        case _:
            return state


def _pooled(op: Pool, state: _State) -> _State:
    """Means over positions, two of which share what one does at two inputs; what is greatest passes as it is."""
    if op.pool == "max":
        return state
    area = prod(op.kernel)
    return replace(state, second=(state.second + (area - 1) * state.shared) / area)


def _share(addends: int, block: Block, slope: float) -> float:
    """What initialisation multiplies a block's second moment by; nothing where it has no weights."""
    if not any(isinstance(op, WeightedLayer) for op in walk(block)):
        return 1.0
    return share(addends, [_shaped(last, slope) for last in endings(block)])


def _averaged(states: Sequence[_State], widths: Sequence[int]) -> _State:
    """The mean neuron of values side by side."""
    moments = zip(*((state.second, state.shared, state.mean) for state in states), strict=True)
    return _State(*(fmean(moment, widths) for moment in moments))


def _leaky(state: _State, slope: float) -> _State:
    """Behind a leaky relu with its gain, for normal values."""
    cosine = float(cosine_behind(np.asarray(state.cosine), slope))
    return _State(state.second, state.second * cosine, sqrt(coherence(slope) * state.second))
