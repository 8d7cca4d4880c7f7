"""What attention is predicted to do to signals, against runs of the emitted module over many seeds.

The allowances are what docs/initialisation.md says of the prediction: values before the softmax are only
nearly normal, and averages over tokens stand for each of them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import nfc
from nfc.analysis.attention import participation
from nfc.analysis.profile import backward_variance, profile
from nfc.analysis.propagation import propagate
from nfc.ir.sequences import vocabulary
from nfc.source import Source
from tests.build import input_values

SEEDS = 12


def network(body: str) -> nfc.Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{\n{body}\n}}\n")).network


@pytest.mark.parametrize("variance", [0.0, 0.25, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_squares_of_softmax_shares_by_chance(variance: float, count: int) -> None:
    scores = np.random.default_rng(0).standard_normal((20_000, count)) * np.sqrt(variance)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    squares = (shares**2).sum(axis=1)
    allowed = 5.0 * squares.std() / np.sqrt(len(squares)) + 1e-6
    found = participation(np.array([variance]), np.array([float(count)]))
    assert found[0] == pytest.approx(squares.mean(), abs=allowed)


def test_many_tokens_share_by_the_exponential_of_the_variance() -> None:
    found = participation(np.array([1.0]), np.array([1e6]))
    assert found[0] * 1e6 == pytest.approx(np.e, rel=1e-3)


def test_signals_beyond_float64_are_no_fault() -> None:
    net = network(
        "input [4, 8]\ninit dense_xavier\nrepeat 400 { linear 8; linear 800; linear 8 }\nattention 2\nlinear 8"
    )
    assert profile(net.ir).forward >= 0.0
    found = participation(np.array([np.inf, np.nan, -1e-12]), np.array([8.0, 8.0, 8.0]))
    assert found[:2] == pytest.approx(1.0, abs=0.1)
    assert found[2] == pytest.approx(1.0 / 8.0)


def moments(net: nfc.Network, seed: int) -> tuple[float, float, float, float, float]:
    """Second moments forward and backward, those of products at two inputs and of two tokens, and at the last position."""
    module = net.torch(seed).double()
    values = torch.from_numpy(input_values(net.ir, 8, seed))
    seen = []
    if vocabulary(net.ir.body) is None:
        values = values.double().requires_grad_()
        seen.append(values)
    else:
        module.embed1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    y = module(values)
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    (back,) = torch.autograd.grad(y, seen[0], gradient)
    y = y.detach()
    tokens, features = y.shape[1:]
    pairs = (y.sum(1) ** 2).sum(-1) - (y**2).sum((1, 2))
    return (
        float((y**2).mean()),
        float((back**2).sum() / (gradient**2).sum()),
        float((y[::2] * y[1::2]).mean()),
        float(pairs.mean()) / (tokens * max(1, tokens - 1) * features),
        float((y[:, -1] ** 2).mean()),
    )


LANGUAGE = """input 32
embed 40 64
position 64
repeat 2 {
    residual { norm layer; attention 4 causal=true }
    residual { norm layer; linear 128; gelu; linear 64 }
}
norm layer
linear 20"""
CASES = {
    "plain": ("input [32, 64]\nattention 4", 0.06, 0.1),
    "causal": ("input [32, 64]\nattention 4 causal=true", 0.06, 0.15),
    "one head": ("input [32, 64]\nattention 1", 0.06, 0.1),
    "small heads": ("input [32, 64]\nattention 16", 0.06, 0.1),
    "sparse": ("input [16, 32]\nattention 4 via random(8)", 0.1, 0.1),
    "blocks": ("input [16, 64]\nattention 4 via monarch", 0.1, 0.1),
    "few tokens": ("input [3, 32]\nattention 2", 0.06, 0.15),
    "one token": ("input [1, 32]\nattention 2", 0.06, 0.1),
    "many values": ("input 32\nembed 500 64\nposition 64\nattention 4", 0.06, 0.1),
    "residuals": ("input [32, 64]\nrepeat 4 { residual { norm layer; attention 4 } }", 0.06, 0.1),
    "causal residuals": (
        "input [32, 64]\nrepeat 4 { residual { norm layer; attention 4 causal=true } }", 0.06, 0.1,
    ),
    "language": (LANGUAGE, 0.06, 0.1),
    "behind relu": ("input [32, 64]\nlinear 64\nrelu\nattention 4", 0.2, 0.3),
}  # fmt: skip
"""A network, and the relative allowances forward and backward, beyond the error of the mean."""


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_what_runs_show(name: str) -> None:
    body, forward, backward = CASES[name]
    net = network(body)
    measured = np.array([moments(net, seed) for seed in range(SEEDS)])
    mean, error = measured.mean(axis=0), measured.std(axis=0) / np.sqrt(SEEDS)
    signal, _ = propagate(net.ir)
    predicted = profile(net.ir)
    size = float(signal.second.mean())
    assert mean[0] == pytest.approx(predicted.forward, abs=forward * predicted.forward + 4 * error[0])
    assert mean[1] == pytest.approx(predicted.backward, abs=backward * predicted.backward + 4 * error[1])
    assert mean[2] == pytest.approx(float(signal.shared.mean()), abs=forward * size + 4 * error[2])
    if net.input[0] > 1:
        assert mean[3] == pytest.approx(float(signal.between.mean()), abs=forward * size + 4 * error[3])
    last = float(signal.second[-1].mean())
    assert mean[4] == pytest.approx(last, abs=forward * last + 4 * error[4])


def test_an_embedding_counts_as_the_input() -> None:
    net = network("input 6\nembed 9 8\nlinear 8")
    assert net.variance.forward == pytest.approx(1.0)
    assert backward_variance(net.ir) == pytest.approx(1.0)
    assert net.correlation == pytest.approx(1.0 / 9.0)


def test_positions_add_a_hundredth() -> None:
    assert network("input [6, 8]\nposition 8").variance.forward == pytest.approx(1.01)


def test_one_token_passes_its_value_alone() -> None:
    net = network("input [1, 16]\nattention 4")
    assert net.variance.forward == pytest.approx(1.0)
    places = {place.op.path: place.backward for place in profile(net.ir).places}
    assert places["attention1.q"] == places["attention1.k"] == 0.0
    assert places["attention1.v"] == pytest.approx(1.0)
