"""Relu and leaky relu at normal values of mean 0, in closed form (Cho and Saul, NeurIPS 2009).

`slope` is what negative numbers are multiplied by: 0 for relu, 1 for the identity.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from nfc.analysis.signal import Array, Signal


def coherence(slope: float) -> float:
    """E[f]² / E[f²]: what values of independent neurons have in common; 1/π for relu."""
    return (1.0 - slope) ** 2 / (pi * (1.0 + slope**2))


def cosine_behind(cosine: Array, slope: float) -> Array:
    """E[f(x) f(x')] / E[f²] for x and x' of one variance and this correlation."""
    across = np.sqrt((1.0 - cosine) * (1.0 + cosine)) - cosine * np.arccos(cosine)
    return np.asarray(cosine + coherence(slope) * across)


def rectified(signal: Signal, slope: float) -> tuple[Signal, Array]:
    """The moments behind a (leaky) relu of a signal of mean 0, and E[f'²] for each neuron."""
    power = (1.0 + slope**2) / 2.0
    variance = signal.second
    cosine = np.divide(signal.shared, variance, out=np.zeros_like(variance), where=variance > 0.0)
    second = power * variance
    return (
        Signal(
            second,
            second * cosine_behind(np.clip(cosine, 0.0, 1.0), slope),
            (1.0 - slope) / sqrt(2.0 * pi) * np.sqrt(variance),
        ),
        np.full_like(variance, power),
    )
