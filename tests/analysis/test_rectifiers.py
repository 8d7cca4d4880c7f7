"""Closed forms behind relu and leaky relu, against quadrature and against angles followed by series."""

from __future__ import annotations

from math import asin, cos, pi, sin, sqrt

import numpy as np
import pytest

from nfc.analysis.activations import elementwise, through
from nfc.analysis.profile import correlation
from nfc.analysis.rectifiers import coherence, cosine_behind, rectified
from nfc.analysis.signal import Signal
from nfc.diagnostics import Sink
from nfc.ir.factors import Kron
from nfc.ir.network import Activation
from nfc.passes.initialise import Initialise
from tests.build import linear, network

SHAPE = {"input": (4,), "output": (4,)}


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.4, 1.0, -0.5])
def test_moments_are_those_of_the_quadrature(slope: float) -> None:
    variance = np.array([0.0, 1e-8, 0.3, 1.0, 25.0])
    signal = Signal(variance, variance * [0.0, 0.5, 0.0, 0.9, 1.0], np.zeros(5))
    function = elementwise(Activation(path="a", function="leaky_relu", slope=slope, **SHAPE))
    assert function is not None
    closed, slopes = rectified(signal, slope)
    found, expected = through(function, signal)
    np.testing.assert_allclose(closed.second, found.second, rtol=1e-8)
    np.testing.assert_allclose(closed.shared, found.shared, rtol=1e-7, atol=1e-20)
    np.testing.assert_allclose(closed.mean, found.mean, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(slopes[1:], expected[1:], rtol=1e-8)


def test_what_relu_s_values_have_in_common() -> None:
    assert coherence(0.0) == pytest.approx(1 / pi)
    assert coherence(1.0) == 0.0
    assert cosine_behind(np.zeros(1), 0.3) == pytest.approx(coherence(0.3))


def lack_behind(lack: float, slope: float) -> float:
    """1 − C(c) for 1 − c, by the angle θ between the inputs: sin θ − θ cos θ, as a series where θ is small."""
    angle = 2.0 * asin(sqrt(lack / 2.0))
    if angle < 0.1:
        square = angle * angle
        across = angle**3 * (1 / 3 - square / 30 + square**2 / 840 - square**3 / 45360)
    else:
        across = sin(angle) - angle * cos(angle)
    return lack - (1.0 - slope) ** 2 / (pi * (1.0 + slope**2)) * across


@pytest.mark.parametrize("slope", [0.0, 0.5])
@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_correlations_near_one_keep_their_digits(depth: int, slope: float) -> None:
    body = []
    for index in range(depth):
        body.append(linear(f"linear{index}", Kron(1, 4, 4, 1)))
        body.append(Activation(path=f"leaky_relu{index}", function="leaky_relu", slope=slope, **SHAPE))
    found = correlation(Initialise().run(network("deep", tuple(body)), Sink()))
    lack = 1.0
    for _ in range(depth):
        lack = lack_behind(lack, slope)
    assert 1.0 - found == pytest.approx(lack, rel=1e-8)
