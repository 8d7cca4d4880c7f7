"""What is known of a signal at initialisation: three moments of every neuron, and of tokens a fourth.

The expectations are over inputs and weights. Of a value h at an input x, and h' at another input
x' of the same network, they are E[h²], E[h h'] and E[h]. E[h h'] is the mean square, over weights,
of a neuron's average over inputs, which a batch norm takes off; E[h] is what neurons have in
common at one input, which a layer norm takes off. In [T, D] attention asks how alike the tokens of
one input are: E[h_t h_s].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """Moments of the values at one place, each of the values' shape.

    Attributes:
        second: E[h²].
        shared: E[h h'] over two independent inputs; between mean² and second.
        mean: E[h].
        tokens: E[h_t h_s] over another token s of the same input, averaged over these; None for values
            that are no sequences.
    """

    second: Array
    shared: Array
    mean: Array
    tokens: Array | None = None

    @property
    def between(self) -> Array:
        """E[h_t h_s] over two tokens of one input."""
        return np.asarray(self.mean**2) if self.tokens is None else self.tokens

    @property
    def variance(self) -> Array:
        return np.maximum(self.second - self.mean**2, 0.0)

    def rearranged(self, move: Callable[[Array], Array]) -> Signal:
        """Every moment through one rearrangement of the neurons; zeros that it adds are constants 0."""
        tokens = None if self.tokens is None else move(self.tokens)
        return Signal(move(self.second), move(self.shared), move(self.mean), tokens)

    def reshaped(self, move: Callable[[Array], Array]) -> Signal:
        """As `rearranged`, where positions become others: new tokens have their means in common alone."""
        moved = replace(self, tokens=None).rearranged(move)
        return replace(moved, tokens=moved.mean**2) if moved.mean.ndim == 2 else moved

    def shifted(self, by: Array) -> Signal:
        """The moments of h + by."""
        cross = 2.0 * self.mean * by + by**2
        tokens = None if self.tokens is None else self.tokens + cross
        return Signal(self.second + cross, self.shared + cross, self.mean + by, tokens)

    def scaled(self, square: Array) -> Signal:
        """√square · h."""
        tokens = None if self.tokens is None else self.tokens * square
        return Signal(self.second * square, self.shared * square, self.mean * np.sqrt(square), tokens)

    def plus(self, other: Signal) -> Signal:
        """The moments of h + k for uncorrelated h and k."""
        cross = 2.0 * self.mean * other.mean
        known = self.tokens is not None or other.tokens is not None
        return Signal(
            self.second + other.second + cross,
            self.shared + other.shared + cross,
            self.mean + other.mean,
            self.between + other.between + cross if known else None,
        )


def normal_inputs(shape: tuple[int, ...]) -> Signal:
    """Independent inputs of mean 0 and variance 1; those of two axes are sequences."""
    tokens = np.zeros(shape) if len(shape) == 2 else None
    return Signal(np.ones(shape), np.zeros(shape), np.zeros(shape), tokens)


def with_tokens(output: Signal, rule: Callable[[Signal], Signal], signal: Signal) -> Signal:
    """`output`, which `rule` makes of `signal`, with what the rule for two inputs says of two tokens of one."""
    if signal.tokens is None:
        return output
    return replace(output, tokens=rule(replace(signal, shared=signal.tokens, tokens=None)).shared)
