"""A hundred layers under `balanced`: predicted second moments neuron by neuron, and typical signals of drawn weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.sparse import csr_array

from nfc.diagnostics import Sink
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Factor
from nfc.ir.initial_weights import drawn_weights
from nfc.ir.network import Activation, Draw, Linear
from nfc.ir.structure import endpoints
from nfc.limits import Limits
from nfc.passes.balance import balance
from nfc.passes.initialise import Initialise
from nfc.sema.program import topology_fabric
from tests.build import edges_of, linear, network

WIDTH, DEPTH = 1024, 100
TOPOLOGIES = [
    "butterfly(radix=4)", "parallel(2, butterfly(radix=4))", "hypercube", "torus",
    "random(fan_in=8)", "bernoulli(density=.015)", "small_world(fan_in=9)",
]  # fmt: skip


def power_law() -> Factor:
    """Inputs early in the order are read far more often; there is no perfect matching."""
    generator, matrix = np.random.default_rng(0), np.zeros((WIDTH, WIDTH), int)
    weights = 1.0 / (1.0 + np.arange(WIDTH))
    for row in matrix:
        row[generator.choice(WIDTH, 12, replace=False, p=weights / weights.sum())] = 1
    return edges_of(matrix)


def causal() -> Factor:
    """Each output reads itself and some inputs before it."""
    generator = np.random.default_rng(0)
    early = (generator.random((WIDTH, WIDTH)) < 12 / WIDTH).astype(int)
    return edges_of(np.tril(early, -1) + np.eye(WIDTH, dtype=int))


def square(name: str, width: int = WIDTH) -> Fabric:
    if name == "power law":
        return power_law()
    if name == "causal":
        return causal()
    sink = Sink()
    fabric = topology_fabric(name, width, width, sink, Limits(), path="layer")
    assert fabric is not None
    assert not sink.failed
    return fabric


def deep(fabric: Fabric, activation: str) -> list[Linear]:
    body, shape = [], (fabric.rows,)
    for number in range(DEPTH):
        body.append(linear(f"linear{number}", fabric))
        if activation:
            body.append(Activation(path=f"a{number}", input=shape, output=shape, function=activation))
    built = Initialise().run(network("deep", tuple(body)), Sink())
    return [op for op in built.body if isinstance(op, Linear)]


def product(fabric: Fabric, draws: Iterator[Draw], seed: int, x: np.ndarray) -> np.ndarray:
    """The layer's output [rows, batch] for drawn weights."""
    match fabric:
        case Cascade(parts=parts):
            for part in parts:
                x = product(part, draws, seed, x)
            return x
        case Sum(parts=parts):
            return sum(product(part, draws, seed, x) for part in parts)
        case factor:
            weights = drawn_weights(factor, next(draws), seed).reshape(-1).astype(np.float64)
            indptr, indices = factor.arrays()
            return csr_array((weights, indices, indptr), shape=factor.shape) @ x


def typical_signal(fabric: Fabric, activation: str, seeds: int | None = None) -> float:
    """The geometric mean, over seeds and inputs, of the second moment behind the last layer."""
    layers, logarithms = deep(fabric, activation), []
    for seed in range(seeds or (8 if isinstance(fabric, Factor) else 2)):
        x = np.random.default_rng(seed).standard_normal((fabric.cols, 2))
        for layer in layers:
            x = product(layer.fabric, iter(layer.draws or ()), seed, x)
            x = np.maximum(x, 0.0) if activation else x
        logarithms += list(np.log((x**2).mean(axis=0)))
    return float(np.exp(np.mean(logarithms)))


@pytest.mark.parametrize("name", [*TOPOLOGIES, "power law", "causal"])
def test_the_typical_signal_of_linear_layers_stays(name: str) -> None:
    assert 0.1 < typical_signal(square(name), "") < 10.0


@pytest.mark.parametrize("name", [*TOPOLOGIES, "power law"])
def test_the_typical_signal_of_relu_layers_stays(name: str) -> None:
    """Not of a causal mask: its first output reads one input, which relu closes for ever sooner or later."""
    assert 0.1 < typical_signal(square(name), "relu") < 10.0


@pytest.mark.parametrize("name", ["torus", "small_world(fan_in=16)"])
def test_narrow_relu_layers_keep_the_typical_signal_too(name: str) -> None:
    """Signs that are independent leave .06 of it on the torus: what is near is strong or weak together."""
    assert 0.2 < typical_signal(square(name, 256), "relu", seeds=32) < 10.0


@pytest.mark.parametrize("name", ["bernoulli(density=.015)", "small_world(fan_in=9)", "band(width=3)"])
def test_every_neuron_keeps_its_predicted_moments_through_a_thousand_layers(name: str) -> None:
    """Of masks that have a balance, forward and backward within 1 %."""
    (factor,) = factors(square(name))
    row, column = endpoints(factor)
    variance = balance(factor).variances(row, column)
    matrix = csr_array((variance, (row, column)), shape=factor.shape)
    forward, backward = np.ones(WIDTH), np.ones(WIDTH)
    for _ in range(1000):
        forward, backward = matrix @ forward, matrix.T @ backward
    np.testing.assert_allclose(forward, 1.0, rtol=0.01)
    np.testing.assert_allclose(backward, 1.0, rtol=0.01)
