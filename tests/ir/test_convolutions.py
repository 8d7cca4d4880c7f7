"""The reference interpreter's operations on [C, H, W], and initial weights, against PyTorch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import nfc
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.ir.network import Network
from nfc.ir.parameters import Weights
from nfc.source import Source
from tests.agreement.executors import trained_like
from tests.build import random_values


def network(shape: str, statement: str) -> Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ input {shape}; {statement} }}")).network.ir


def through_torch(module: nn.Module, weights: Weights, label: str, x: np.ndarray) -> np.ndarray:
    """What a module of PyTorch makes of x with a layer's parameters."""
    state = {key.removeprefix(f"{label}."): torch.tensor(value) for key, value in weights.items()}
    shapes = {key: tensor.shape for key, tensor in module.state_dict().items()}
    module.load_state_dict({key: tensor.reshape(shapes[key]) for key, tensor in state.items()}, strict=False)
    found: np.ndarray = module.double().eval()(torch.tensor(x, dtype=torch.float64)).detach().numpy()
    return found


CASES: dict[str, tuple[str, nn.Module]] = {
    "conv 5": ("conv1", nn.Conv2d(6, 5, 3, padding=1)),
    "conv 4 kernel=[1, 5] stride=[2, 1] bias=false": ("conv1", nn.Conv2d(6, 4, (1, 5), (2, 1), (0, 2), bias=False)),
    "conv 4 kernel=2 padding=[1, 0]": ("conv1", nn.Conv2d(6, 4, 2, padding=(1, 0))),
    "conv 9 via block(count=3)": ("conv1", nn.Conv2d(6, 9, 3, padding=1, groups=3)),
    "depthwise kernel=5": ("depthwise1", nn.Conv2d(6, 6, 5, padding=2, groups=6)),
    "pool max kernel=[3, 2] stride=[1, 2]": ("", nn.MaxPool2d((3, 2), (1, 2))),
    "pool avg kernel=2": ("", nn.AvgPool2d(2)),
    "pool global": ("", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    "shuffle groups=3": ("", nn.ChannelShuffle(3)),
    "norm group groups=2": ("norm1", nn.GroupNorm(2, 6)),
    "norm batch": ("norm1", nn.BatchNorm2d(6)),
    "softmax axis=0": ("", nn.Softmax(dim=1)),
    "flatten": ("", nn.Flatten()),
}  # fmt: skip


@pytest.mark.parametrize("statement", CASES)
def test_operations_are_those_of_pytorch(statement: str) -> None:
    net = network("[6, 7, 5]", statement)
    weights, x = trained_like(net, 3), random_values((2, 6, 7, 5), 4)
    label, module = CASES[statement]
    np.testing.assert_allclose(
        interpret(net, weights, x), through_torch(module, weights, label, x), atol=1e-6
    )


@pytest.mark.parametrize(("kind", "module"), [("layer", nn.LayerNorm(6)), ("rms", nn.RMSNorm(6, eps=1e-5))])
def test_norms_of_channels_are_norms_of_a_last_axis_moved_there(kind: str, module: nn.Module) -> None:
    net = network("[6, 7, 5]", f"norm {kind}")
    weights, x = trained_like(net, 3), random_values((2, 6, 7, 5), 4)
    expected = through_torch(module, weights, "norm1", np.moveaxis(x, 1, -1))
    np.testing.assert_allclose(interpret(net, weights, x), np.moveaxis(expected, -1, 1), atol=1e-6)


def test_group_norms_of_vectors_and_shuffles_of_a_last_axis() -> None:
    net, x = network("[3, 8]", "norm group groups=2"), random_values((2, 3, 8), 4)
    weights = trained_like(net, 3)
    expected = through_torch(nn.GroupNorm(2, 8), weights, "norm1", x.reshape(6, 8)).reshape(x.shape)
    np.testing.assert_allclose(interpret(net, weights, x), expected, atol=1e-6)
    found = interpret(network("[3, 6]", "shuffle groups=2"), {}, np.tile(np.arange(6.0), (1, 3, 1)))
    assert found[0, 0].tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize("scheme", ["balanced", "kaiming", "orthogonal"])
@pytest.mark.parametrize(
    ("channels", "patches"),
    [("dense", "dense"), ("block(count=2)", "block(count=2)"), ("diagonal", "block(count=8)")],
)
def test_kernels_are_drawn_as_the_rows_of_the_linear_layer_on_patches(
    scheme: str, channels: str, patches: str
) -> None:
    """Fan-in counts the positions of a kernel, and weights lie in the order of patches."""
    conv = network("[8, 5, 5]", f"conv 8 kernel=[3, 2] init={scheme} via {channels}")
    linear = network("48", f"linear 8 init={scheme} via {patches}")
    drawn = initial_weights(conv, 7)["conv1.weight"]
    assert drawn.shape[-2:] == (3, 2)
    assert np.array_equal(drawn.reshape(-1), initial_weights(linear, 7)["linear1.weight"].reshape(-1))


def test_xavier_counts_the_kernel_in_both_fans() -> None:
    weights = initial_weights(network("[40, 5, 5]", "conv 60 init=xavier"), 0)["conv1.weight"]
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.tensor(weights))
    assert weights.std() == pytest.approx(np.sqrt(2 / (fan_in + fan_out)), rel=0.01)


def test_every_entry_of_an_irregular_edge_s_kernel_has_the_edge_s_variance() -> None:
    """The variances of `balanced` by channel, as a linear layer has them, shared among nine."""
    via = "random(fan_in=40, seed=3) & ~bernoulli(density=30%, seed=1)"
    conv = network("[64, 5, 5]", f"conv 64 via {via}")
    linear = network("64", f"linear 64 via {via}")
    kernels = initial_weights(conv, 1)["conv1.weight"].reshape(-1, 9)
    (draw,) = conv.body[0].draws  # type: ignore[attr-defined]
    (edge_draw,) = linear.body[0].draws  # type: ignore[attr-defined]
    expected = np.sqrt(edge_draw.std.scale / 9)
    np.testing.assert_allclose(np.sqrt(draw.std.scale), expected)
    assert np.square(kernels).sum() / 64 == pytest.approx(1.0, rel=0.05)
