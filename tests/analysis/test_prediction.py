"""Prediction is measurement: moments behind every layer of random networks against runs of them.

A mean over seeds may be off by SIGMAS of its standard errors, and by an allowance for what the
prediction leaves out: widths are finite, and values before activations only nearly normal.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nfc
from nfc.analysis.profile import profile
from nfc.analysis.propagation import propagate
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.source import Source
from tests.analysis.measured import measured

WIDTH = 128
SEEDS = 12
SIGMAS = 5.0
FORWARD, BACKWARD = 0.05, 0.10
"""Allowances, relative; norms divide gradients by moments that fluctuate, which the prediction does not."""
TOPOLOGIES = (
    "dense", "random(fan_in=16)", "bernoulli(density=20%)", "small_world(fan_in=16)", "band(width=12)",
    "block(size=32)", "monarch", "parallel(2, butterfly(radix=16))", "lowrank(rank=64)", "causal",
    "random(fan_in=24) + diagonal", "random(fan_in=16) >> torus",
)  # fmt: skip
ACTIVATIONS = (
    "relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu slope=.3", "leaky_relu slope=auto",
)  # fmt: skip
SCHEMES = ("balanced", "xavier", "kaiming", "orthogonal", "dense_xavier")
"""The dense baseline is here for the prediction; it keeps no moment."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small products wait for other threads longer than they take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@st.composite
def layers(draw: st.DrawFn) -> str:
    topology, scheme = draw(st.sampled_from(TOPOLOGIES)), draw(st.sampled_from(SCHEMES))
    return f"linear {WIDTH} init={scheme} via {topology}"


@st.composite
def runs(draw: st.DrawFn, depth: int) -> str:
    """Operations in a row that keep the width, the first of them weighted.

    An activation behind a sum would depend on the branches' own activations, so weights come between.
    """
    parts = [draw(layers())]
    for _ in range(draw(st.integers(1, 3))):
        function, layer = draw(st.sampled_from(ACTIVATIONS)), draw(layers())
        before = parts[-1].split()[0] not in ("linear", *ACTIVATIONS)
        match draw(st.sampled_from(["activation", "layer", "composite"])):
            case "activation":
                parts += [layer, function] if before else [function]
            case "layer":
                parts += [layer]
            case _:
                parts += [draw(composites(depth))]
    return "; ".join(parts)


@st.composite
def composites(draw: st.DrawFn, depth: int) -> str:
    """An operation that keeps the width; branches begin with weights, so that they are uncorrelated."""
    if depth == 0:
        return draw(st.sampled_from(["norm rms", "norm layer"]))
    body = draw(runs(depth - 1))
    match draw(st.sampled_from(["residual", "project", "sum", "concat", "pad", "crop", "repeat"])):
        case "residual":
            return f"residual {{ {body} }}"
        case "project":
            return f"residual project=true {{ {body} }}"
        case "sum":
            return f"sum {{ {{ {body} }} {{ {draw(runs(depth - 1))} }} }}"
        case "concat":
            return f"concat {{ {{ {body} }} {{}} }}; {draw(layers())}"
        case "pad":
            return f"pad {WIDTH + 32}; {draw(layers())}"
        case "crop":
            return f"crop {WIDTH - 32}; {draw(layers())}"
        case _:
            return f"repeat 3 {{ {body} }}"


@st.composite
def networks(draw: st.DrawFn) -> str:
    parts = [draw(runs(2)) for _ in range(draw(st.integers(1, 2)))]
    return (
        f"nf 1\nmask causal[o, i] allow_empty = i <= o\nnetwork drawn {{ input {WIDTH}; {'; '.join(parts)} }}"
    )


def near(predicted: float, found: np.ndarray, scale: float, allowance: float) -> bool:
    """Whether a mean over seeds is where it is predicted."""
    error = found.std(ddof=1) / len(found) ** 0.5
    return abs(found.mean() - predicted) <= SIGMAS * error + allowance * scale


@settings(max_examples=20, deadline=None, derandomize=True)
@given(networks())
def test_moments_behind_every_layer(text: str) -> None:
    network = nfc.load(Source("drawn.nf", text)).network.ir
    found = measured(network, SEEDS)
    for place in profile(network).places:
        path, forward, here = place.op.path, place.forward.mean, found[place.op.path]
        assert near(forward, here.second, forward, FORWARD), path
        assert near(place.correlation * forward, here.shared, forward, FORWARD), path
        assert near(place.backward, here.backward, place.backward, BACKWARD), path


def test_moments_of_single_neurons() -> None:
    """Neurons with edges as unlike as a power law's, in four groups by what is predicted of them."""
    text = f"""nf 1
    mask hubs[o, i] = (o + 1) * (i + 1) <= 1500 or o == i
    network uneven {{ input {WIDTH}; linear {WIDTH} init=xavier via hubs; relu; linear {WIDTH} init=xavier via hubs }}"""
    network = nfc.load(Source("uneven.nf", text)).network.ir
    output, _ = propagate(network)
    values = [interpret(network, initial_weights(network, seed), inputs(seed)) for seed in range(100)]
    seconds = np.array([(each**2).mean(axis=0) for each in values])
    groups = np.array_split(np.argsort(output.second), 4)
    assert output.second[groups[3]].mean() > 2 * output.second[groups[0]].mean()
    for group in groups:
        predicted = float(output.second[group].mean())
        assert near(predicted, seconds[:, group].mean(axis=1), predicted, FORWARD)


def inputs(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((32, WIDTH))


@pytest.mark.parametrize("function", ["relu", "gelu", "silu", "tanh"])
def test_chains_of_residual_blocks_that_end_in_activations(function: str) -> None:
    """24 of them, whose means add up along the skips."""
    body = f"linear {WIDTH}; {function}"
    text = f"nf 1\nnetwork chain {{ input {WIDTH}; repeat 24 {{ residual {{ {body} }} }}; linear 10 }}"
    network = nfc.load(Source("chain.nf", text)).network.ir
    (*_, last), found = profile(network).places, measured(network, SEEDS)["linear1"]
    assert last.forward.mean < 3.1
    assert near(last.forward.mean, found.second, last.forward.mean, FORWARD)
    assert near(last.correlation * last.forward.mean, found.shared, last.forward.mean, FORWARD)
