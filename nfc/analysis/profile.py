"""What a network does to signals and gradients at initialisation, as a whole and layer by layer.

Predicted over seeds and inputs, from the draws alone; nothing is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from nfc.analysis.memo import once_a_network
from nfc.analysis.propagation import Step, propagate
from nfc.analysis.signal import Array, Signal
from nfc.ir.network import Activation, Network, WeightedLayer
from nfc.ir.sequences import Table


@dataclass(frozen=True)
class Spread:
    """Second moments of a layer's values: their mean, and those of the neurons with the least and the most."""

    mean: float
    least: float
    greatest: float


@dataclass(frozen=True)
class Place:
    """A signal behind a weighted layer, an embedding, positions or an activation.

    Attributes:
        op: the operation before it.
        forward: second moments over the mean one of the network's input.
        backward: the total second moment of the gradient here over that at the network's output.
        correlation: the cosine between the values at two inputs at right angles.
    """

    op: WeightedLayer | Table | Activation
    forward: Spread
    backward: float
    correlation: float


@dataclass(frozen=True)
class Profile:
    """A network's signals and gradients; `places` in order of execution."""

    forward: float
    backward: float
    correlation: float
    places: tuple[Place, ...]


@once_a_network
def profile(network: Network) -> Profile:
    """What initialisation does to signals and gradients; needs the layers' draws.

    A moment is infinite where it, or one on the way to it, is beyond float64. Activations in a row
    count as one function, whose place is that of the last; those that are added up have no place.

    Raises:
        ValueError: a layer has no draws.
    """
    recorder = _Recorder([], {})
    with np.errstate(all="ignore"):
        output, pullback = propagate(network, recorder.watch)
        backward = inf
        if np.isfinite(output.second).all():
            backward = _or_infinite(pullback(np.ones_like(output.second)).sum() / output.second.size)
        return Profile(
            _or_infinite(output.second.mean()),
            backward,
            _correlation(output),
            recorder.places(output.second.size),
        )


def forward_variance(network: Network) -> float:
    """Mean second moment at the output over the input's; needs the layers' draws."""
    return profile(network).forward


def backward_variance(network: Network) -> float:
    """Total second moment of the input's gradient over the output's; needs the layers' draws."""
    return profile(network).backward


def correlation(network: Network) -> float:
    """The cosine between the outputs at two inputs at right angles; needs the layers' draws."""
    return profile(network).correlation


@dataclass(frozen=True)
class _Recorder:
    """What is kept of the signals and the gradients that pass.

    Attributes:
        signals: the operations met, with their outputs' second moments and correlation.
        gradients: the total second moment of the gradient behind an operation, by path.
    """

    signals: list[tuple[WeightedLayer | Table | Activation, Spread, float]]
    gradients: dict[str, float]

    def watch(self, op: WeightedLayer | Table | Activation, step: Step) -> Step:
        output, pullback = step
        self.signals.append((op, _spread(output.second), _correlation(output)))

        def noted(gradient: Array) -> Array:
            self.gradients[op.path] = float(gradient.sum())
            return pullback(gradient)

        return output, noted

    def places(self, outputs: int) -> tuple[Place, ...]:
        """Every operation met; gradients over those of so many outputs."""
        return tuple(
            Place(op, spread, _or_infinite(self.gradients.get(op.path, inf) / outputs), correlation)
            for op, spread, correlation in self.signals
        )


def _spread(second: Array) -> Spread:
    return Spread(*map(_or_infinite, (second.mean(), second.min(), second.max())))


def _correlation(signal: Signal) -> float:
    """1 where all values are 0, or where a moment is beyond float64: such values tell nothing apart."""
    second, shared = float(signal.second.mean()), float(signal.shared.mean())
    return min(1.0, max(0.0, shared / second)) if 0.0 < second < inf else 1.0


def _or_infinite(value: float) -> float:
    """Only differences and quotients of infinite moments are not numbers."""
    return inf if isnan(value) else float(value)
