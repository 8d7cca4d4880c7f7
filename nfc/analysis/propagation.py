"""Signals at initialisation through a network's operations: moments forward, gradients back.

Each neuron carries its own moments (`Signal`) through factors, sums, norms and activations, so time
and memory are in the edges. Assumed, as in the mean-field literature (Poole et al., NeurIPS 2016;
Schoenholz et al., ICLR 2017): inputs independent with mean 0 and variance 1; wide layers, so that
averages over neurons are their expectations; values before activations normal; branches
uncorrelated but for their means, except those without weights, which are functions of the same
number; gradients uncorrelated, and independent of the weights they meet. Batch norms are taken as
in training with a large batch, dropout as at inference. Softmaxes are to leading order in the length
of their axis. docs/initialisation.md says by how much each of these is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import groupby

import numpy as np

from nfc.analysis.activations import Elementwise, elementwise, log_softmax, softmax, through
from nfc.analysis.attention import attended, embedded, positioned
from nfc.analysis.convolutions import convolved, group_normed, pooled, shuffled
from nfc.analysis.elementwise import function_of, residual_branches, total
from nfc.analysis.rectifiers import rectified
from nfc.analysis.signal import Array, Signal, normal_inputs, with_tokens
from nfc.analysis.variance import Pullback, added, through_weights
from nfc.ir.convolutions import Conv, Pool, Shuffle
from nfc.ir.network import (
    NORM_EPSILON,
    Activation,
    Block,
    Concat,
    Crop,
    Dropout,
    Inline,
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
)
from nfc.ir.sequences import Attention, Embed, Position, Table, Transpose

Step = tuple[Signal, Pullback]
"""An operation's output, and the way back."""
Watch = Callable[[WeightedLayer | Table | Activation, Step], Step]
"""Sees every weighted layer, table and activation with its step, and returns the step to go on with."""


def propagate(network: Network, watch: Watch = lambda op, step: step) -> Step:
    """The signal at the network's output and the way back to its input.

    Raises:
        ValueError: a layer has no draws.
    """
    return _block(network.body, normal_inputs(network.input), watch)


def _block(block: Block, signal: Signal, watch: Watch) -> Step:
    pullbacks: list[Pullback] = []
    for run in _runs(block):
        signal, pullback = _run(run, signal, watch)
        pullbacks.append(pullback)
    return signal, lambda gradient: reduce(lambda g, back: back(g), reversed(pullbacks), gradient)


def _runs(block: Block) -> Iterator[Block]:
    """The operations one by one, but those in a row that act on each number alone together."""
    for alone, ops in groupby(_pools_first(_flat(block)), lambda op: function_of((op,)) is not None):
        run = tuple(ops)
        yield from [run] if alone else zip(run)


def _pools_first(ops: Iterator[Op]) -> Iterator[Op]:
    """Pools `max` before the rising functions that stand before them: the same numbers, and values still normal."""
    held: list[Op] = []
    for op in ops:
        if isinstance(op, Activation) and _rises(op):
            held.append(op)
            continue
        if isinstance(op, Pool) and op.pool == "max":
            yield op
            continue
        yield from held
        held = []
        yield op
    yield from held


def _rises(op: Activation) -> bool:
    """Whether a greater number always gives one that is no less."""
    slope_rises = op.function == "leaky_relu" and op.negative_slope >= 0.0
    return slope_rises or op.function in ("relu", "tanh", "sigmoid")


def _flat(block: Block) -> Iterator[Op]:
    """The operations in order, those of repeats and of other networks in place, as at inference."""
    for op in block:
        match op:
            case Repeat():
                for copy in op.copies:
                    yield from _flat(copy)
            case Inline():
                yield from _flat(op.body)
            case Dropout():
                pass
            case _:
                yield op


def _run(run: Block, signal: Signal, watch: Watch) -> Step:
    """Values behind an activation are not normal, so several in a row are taken as one function."""
    function = function_of(run) if len(run) > 1 else None
    if function is None:
        return _operation(run[0], signal, watch)
    step, last = _apply_function(function, signal), run[-1]
    return watch(last, step) if isinstance(last, Activation) else step


def _operation(op: Op, signal: Signal, watch: Watch) -> Step:
    match op:
        case Conv():
            return watch(op, convolved(op, signal))
        case WeightedLayer():
            return watch(op, _linear(op, signal))
        case Activation():
            return watch(op, _activation(op, signal))
        case Norm():
            return _norm(op, signal)
        case Pool():
            return pooled(op, signal)
        case Shuffle():
            return shuffled(op, signal)
        case Embed():
            return watch(op, embedded(op))
        case Position():
            return watch(op, positioned(op, signal))
        case Attention():
            return attended(op, signal, lambda layer, value: watch(layer, _linear(layer, value)))
        case Transpose():
            return (
                signal.reshaped(lambda moments: moments.swapaxes(-1, -2)),
                lambda gradient: gradient.swapaxes(-1, -2),
            )
        case Pad() | Crop():
            return _resized(signal, op.input[-1], op.output[-1])
        case Reshape():
            return (
                signal.reshaped(lambda moments: moments.reshape(op.output)),
                lambda gradient: gradient.reshape(op.input),
            )
        case Residual():
            return _add(residual_branches(op), signal, watch)
        case Sum():
            return _add(op.branches, signal, watch)
        case Concat():
            return _concat(op, signal, watch)
        case _:
            return signal, lambda gradient: gradient


def _linear(op: WeightedLayer, signal: Signal) -> Step:
    """Weights of mean 0 leave no mean; both second moments go through the edges' variances."""
    tokens = [] if signal.tokens is None else [signal.tokens]
    output, pullback = through_weights(op, np.stack([signal.second, signal.shared, *tokens]))
    return Signal(output[0], output[1], np.zeros_like(output[0]), *output[2:]), pullback


def _activation(op: Activation, signal: Signal) -> Step:
    if op.function in ("relu", "leaky_relu") and not signal.mean.any():
        output, slopes = rectified(signal, op.negative_slope)
        output = with_tokens(output, lambda each: rectified(each, op.negative_slope)[0], signal)
        return output, lambda gradient: slopes * gradient
    function = elementwise(op)
    if function is not None:
        return _apply_function(function, signal)
    axis = -1 if op.axis is None else op.axis
    probabilities = with_tokens(softmax(signal, axis), lambda each: softmax(each, axis), signal)
    square = probabilities.second
    if op.function == "softmax":
        return (
            probabilities,
            lambda gradient: square * (gradient + (square * gradient).sum(axis=axis, keepdims=True)),
        )
    return (
        with_tokens(log_softmax(signal, axis), lambda each: log_softmax(each, axis), signal),
        lambda gradient: gradient + square * gradient.sum(axis=axis, keepdims=True),
    )


def _apply_function(function: Elementwise, signal: Signal) -> Step:
    output, slopes = through(function, signal)
    output = with_tokens(output, lambda each: through(function, each)[0], signal)
    return output, lambda gradient: slopes * gradient


def _norm(op: Norm, signal: Signal) -> Step:
    """Each takes off its own average: `batch` a neuron's over inputs, `layer` an input's over neurons."""
    axis = feature_axis(op.input)
    match op.norm:
        case "batch":
            nothing = np.zeros_like(signal.mean)
            tokens = None if signal.tokens is None else np.maximum(signal.tokens - signal.shared, 0.0)
            centred = Signal(signal.second - signal.shared, nothing, nothing, tokens)
            axes = tuple(place for place in range(signal.mean.ndim) if place != axis)
        case "layer":
            centred, axes = signal.shifted(-signal.mean.mean(axis=axis, keepdims=True)), (axis,)
        case "group":
            return group_normed(op, signal)
        case _:
            centred, axes = signal, (axis,)
    inverse = 1.0 / (centred.second.mean(axis=axes, keepdims=True) + NORM_EPSILON)
    return centred.scaled(inverse), lambda gradient: gradient * inverse


def _resized(signal: Signal, before: int, after: int) -> Step:
    return (
        signal.rearranged(lambda moments: _resize(moments, after)),
        lambda gradient: _resize(gradient, before),
    )


def _resize(values: Array, size: int) -> Array:
    """The last axis cut, or extended by zeros."""
    new = max(0, size - values.shape[-1])
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, new)])[..., :size]


def _add(branches: tuple[Block, ...], signal: Signal, watch: Watch) -> Step:
    """Branches without weights are one function of each number; all others are uncorrelated."""
    functions = {index: function_of(branch) for index, branch in enumerate(branches)}
    joint = [function for function in functions.values() if function is not None]
    if len(joint) > 1:
        steps = [_apply_function(total(joint), signal)]
        steps += [_block(branches[index], signal, watch) for index in functions if functions[index] is None]
    else:
        steps = [_block(branch, signal, watch) for branch in branches]
    outputs, pullbacks = zip(*steps, strict=True)
    return reduce(Signal.plus, outputs), lambda gradient: added(pullbacks, [gradient] * len(pullbacks))


def _concat(op: Concat, signal: Signal, watch: Watch) -> Step:
    axis = feature_axis(op.output)
    outputs, pullbacks = zip(*(_block(branch, signal, watch) for branch in op.branches), strict=True)
    bounds = np.cumsum([output.mean.shape[axis] for output in outputs])[:-1]
    known = any(output.tokens is not None for output in outputs)
    joined = Signal(
        np.concatenate([output.second for output in outputs], axis=axis),
        np.concatenate([output.shared for output in outputs], axis=axis),
        np.concatenate([output.mean for output in outputs], axis=axis),
        np.concatenate([output.between for output in outputs], axis=axis) if known else None,
    )
    return joined, lambda gradient: added(pullbacks, np.split(gradient, bounds, axis=axis))
