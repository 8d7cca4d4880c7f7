"""What is known of a signal at initialisation: three moments of every neuron.

The expectations are over inputs and weights. Of a value h at an input x, and h' at another input
x' of the same network, they are E[h²], E[h h'] and E[h]. E[h h'] is the mean square, over weights,
of a neuron's average over inputs, which a batch norm takes off; E[h] is what neurons have in
common at one input, which a layer norm takes off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """

    second: Array
    shared: Array
    mean: Array

    @property
    def variance(self) -> Array:
        return np.maximum(self.second - self.mean**2, 0.0)

    def rearranged(self, move: Callable[[Array], Array]) -> Signal:
        """Every moment through one rearrangement of the neurons; zeros that it adds are constants 0."""
        return Signal(move(self.second), move(self.shared), move(self.mean))

    def shifted(self, by: Array) -> Signal:
        """The moments of h + by."""
        cross = 2.0 * self.mean * by + by**2
        return Signal(self.second + cross, self.shared + cross, self.mean + by)

    def scaled(self, square: Array) -> Signal:
        """√square · h."""
        return Signal(self.second * square, self.shared * square, self.mean * np.sqrt(square))

    def plus(self, other: Signal) -> Signal:
        """The moments of h + k for uncorrelated h and k."""
        cross = 2.0 * self.mean * other.mean
        return Signal(
            self.second + other.second + cross, self.shared + other.shared + cross, self.mean + other.mean
        )


def normal_inputs(shape: tuple[int, ...]) -> Signal:
    """Independent inputs of mean 0 and variance 1."""
    return Signal(np.ones(shape), np.zeros(shape), np.zeros(shape))
