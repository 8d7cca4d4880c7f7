"""Counts and predicted moments of convolutional networks, against closed forms and against measured ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import nfc
from nfc.analysis.convolutions import greatest_normal
from nfc.backends.torch_module import build_module
from nfc.bench.twin import dense_twin
from nfc.lowering import lower
from nfc.source import Source

SEEDS = 20


def network(body: str) -> nfc.Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{\n{body}\n}}\n")).network


def measured(net: nfc.Network) -> tuple[float, float]:
    """Mean second moment of outputs for normal inputs, and total one of the input's gradient over the output's."""
    forward, backward = [], []
    plan = lower(net.ir)
    for seed in range(SEEDS):
        module, generator = build_module(plan, seed), torch.Generator().manual_seed(seed)
        x = torch.randn(8, *net.ir.input, generator=generator, requires_grad=True)
        y = module.train()(x)
        y.backward(torch.randn(y.shape, generator=generator))
        forward.append(float(y.detach().square().mean()))
        backward.append(float(x.grad.square().sum() / y.numel()))  # type: ignore[union-attr]
    return float(np.mean(forward)), float(np.mean(backward))


NETWORKS = {
    "one layer": "input [3, 6, 6]\nconv 24",
    "stride and padding": "input [3, 9, 9]\nconv 24 kernel=[5, 3] stride=[2, 1] padding=[0, 2]",
    "relus": "input [3, 12, 12]\nconv 24\nrelu\nconv 24 via random(fan_in=6)\nrelu\nconv 24 kernel=1",
    "cascade": "input [16, 10, 10]\nconv 16 via butterfly\nrelu\nconv 32 via bernoulli(density=30%) >> monarch",
    "sum": "input [16, 10, 10]\nconv 16 via random(fan_in=3) + lowrank(rank=4)\nrelu\nconv 16",
    "separable": "input [16, 10, 10]\ndepthwise\nconv 32 kernel=1 via block(size=4)\nrelu\ndepthwise stride=2\nshuffle groups=4",
    "average pool": "input [3, 16, 16]\nconv 32\nrelu\nconv 32\nrelu\npool avg kernel=2",
    "average of the input": "input [3, 8, 8]\npool avg kernel=4",
    "greatest": "input [3, 16, 16]\nconv 32\nrelu\npool max kernel=2\nconv 32",
    "greatest of the input": "input [3, 9, 9]\npool max kernel=3 stride=2",
    "global pool": "input [3, 14, 14]\nconv 32\nrelu\nconv 32\nrelu\npool global\nlinear 64",
    "batch norm": "input [3, 14, 14]\nconv 32\nnorm batch\nrelu\nconv 32\nnorm batch\nrelu\nconv 16",
    "group norm": "input [3, 14, 14]\nconv 32\nrelu\nnorm group groups=4\nconv 32",
    "few channels in a group": "input [8, 10, 10]\nconv 32\nrelu\nnorm group groups=16\nconv 32",
    "group norm of vectors": "input 64\nlinear 96\nrelu\nnorm group groups=4\nlinear 64",
    "channel norms": "input [3, 14, 14]\nconv 64\nrelu\nnorm layer\nconv 64\nnorm rms",
    "residuals": "input [16, 12, 12]\nrepeat 2 { residual { conv 16; relu; conv 16 } }\nresidual project=true { conv 32 stride=2 }",
    "concat": "input [8, 10, 10]\nconcat { { conv 8; relu } { depthwise kernel=1 } }\nconv 16",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_predicted_moments_are_the_measured_ones(name: str) -> None:
    net = network(NETWORKS[name])
    forward, backward = measured(net)
    assert net.variance.forward == pytest.approx(forward, rel=0.13)
    assert net.variance.backward == pytest.approx(backward, rel=0.22)


def test_zero_padding_lowers_the_moments_of_borders_exactly() -> None:
    """A 3 × 3 kernel has 9 of its 9 positions inside, 6 at an edge and 4 at a corner."""
    net = network("input [5, 4, 4]\nconv 7")
    assert net.variance.forward == pytest.approx((4 * 9 + 8 * 6 + 4 * 4) / (16 * 9))


@pytest.mark.parametrize(
    ("count", "mean", "variance"),
    [(1, 0.0, 1.0), (2, np.pi**-0.5, 1 - 1 / np.pi), (3, 1.5 * np.pi**-0.5, 0.5594672)],
)
def test_the_greatest_of_normal_numbers(count: int, mean: float, variance: float) -> None:
    """Closed forms: Teichroew, Tables of expected values of order statistics, 1956."""
    assert greatest_normal(count) == pytest.approx((mean, variance), abs=1e-5)


def test_counts() -> None:
    net = network(
        "input [16, 9, 8]\na: conv 32 kernel=[3, 5] stride=2 via butterfly(radix=4)\n"
        "b: depthwise kernel=5 bias=false\nnorm group groups=4\nc: conv 8 kernel=1 bias=false"
    )
    a, b, c = net.layers
    edges = [factor.edges for factor in a.fabric.factors]
    assert a.params == edges[0] * 15 + sum(edges[1:]) + 32
    assert a.flops == 2 * (edges[0] * 15 + sum(edges[1:])) * 5 * 4
    assert a.edges == sum(edges)
    assert (b.params, b.edges, b.fan_in.max, b.density) == (32 * 25, 32, 1, 1 / 32)
    assert (c.flops, c.connected) == (2 * 32 * 8 * 20, True)
    assert net.params == a.params + b.params + 64 + c.params
    assert net.depth == len(edges) + 2
    assert net.params == sum(p.numel() for p in net.torch().parameters())


def test_a_dense_twin_has_dense_kernels() -> None:
    net = network(
        "input [8, 6, 6]\nconv 8 via butterfly\nrelu\ndepthwise\nconv 4 kernel=1 via random(fan_in=2)"
    )
    twin = dense_twin(net)
    assert [layer.fabric.factors[0].edges for layer in twin.layers] == [64, 64, 32]
    assert twin.params == 64 * 9 + 8 + 64 * 9 + 8 + 32 + 4
