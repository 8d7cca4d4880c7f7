"""FabricConv2d against masked dense convolutions in plain torch.nn, and as the stand-in of nn.Conv2d."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import nfc
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.fabric import Sum as FabricSum
from nfc.torch import FabricConv2d, parameter_groups, plan_sparsify, sparsify
from tests.dropin.masked import SINGLE, TREES

WINDOWS = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": (2, 3), "stride": (2, 1)},
    {"kernel_size": 1, "stride": 2},
]


def dense_kernel(fabric: Fabric, weights: dict[str, Tensor], name: str, window: tuple[int, ...]) -> Tensor:
    """The kernel of a fabric, [rows, cols, *window], by matrices; differentiable in the edges."""
    match fabric:
        case Cascade(parts=(first, *others)):
            kernel = dense_kernel(first, weights, f"{name}.0", window)
            for number, part in enumerate(others, 1):
                matrix = dense_kernel(part, weights, f"{name}.{number}", ())
                kernel = torch.einsum("ok,k...->o...", matrix, kernel)
            return kernel
        case FabricSum(parts=parts):
            return sum(dense_kernel(part, weights, f"{name}.{n}", window) for n, part in enumerate(parts))
        case factor:
            indptr, indices = factor.arrays()
            rows = torch.tensor(np.repeat(np.arange(factor.rows), np.diff(indptr)))
            kernels = weights[f"{name}.weight"].reshape(-1, *window)
            empty = torch.zeros(*factor.shape, *window, dtype=kernels.dtype)
            return empty.index_put((rows, torch.tensor(indices)), kernels)


def kernel_of(layer: FabricConv2d) -> Tensor:
    return dense_kernel(layer.topology.ir, dict(layer.named_parameters()), "fabric", layer.kernel_size)


def close(found: Tensor, expected: Tensor) -> None:
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS, ids=["3x3", "2x3", "1x1"])
@pytest.mark.parametrize("via", [*SINGLE, *TREES, "dense"])
def test_outputs_and_gradients_are_those_of_the_masked_convolution(via: str, window: dict) -> None:
    layer = FabricConv2d(64, 64, **window, via=via, seed=1)
    with torch.no_grad():
        layer.bias.normal_()
    x = torch.randn(3, 64, 6, 5, requires_grad=True)
    y = layer(x)
    expected = F.conv2d(x, kernel_of(layer), layer.bias, layer.stride, layer.padding)
    close(y, expected)
    inputs, given = [x, layer.bias, *layer.fabric.parameters()], torch.randn_like(y)
    found = torch.autograd.grad(y, inputs, given)
    for one, other in zip(found, torch.autograd.grad(expected, inputs, given), strict=True):
        close(one, other)


@pytest.mark.parametrize(
    ("cols", "rows", "via"), [(24, 40, "random(fan_in=3)"), (30, 50, "monarch"), (7, 1, "dense")]
)
def test_channels_differ(cols: int, rows: int, via: str) -> None:
    layer = FabricConv2d(cols, rows, 3, via=via)
    x = torch.randn(2, cols, 5, 4)
    close(layer(x), F.conv2d(x, kernel_of(layer), layer.bias))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, 2, (1, 2), "same", "valid"])
def test_borders_are_those_of_conv2d(mode: str, padding: object) -> None:
    dense = nn.Conv2d(8, 12, (3, 5), padding=padding, padding_mode=mode)
    layer = FabricConv2d.from_dense(dense, via="dense")
    x = torch.randn(2, 8, 7, 6)
    close(layer(x), dense(x))
    close(layer(x[0]), dense(x[0]))


def test_same_with_an_even_kernel_adds_the_odd_place_behind() -> None:
    layer = FabricConv2d(8, 8, (2, 4), padding="same", via="diagonal", seed=0)
    x = torch.randn(1, 8, 6, 5)
    close(layer(x), F.conv2d(F.pad(x, (1, 2, 0, 1)), kernel_of(layer), layer.bias))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 2}, "no groups of its own"),
        ({"dilation": 2}, "a dilation of 1"),
        ({"padding_mode": "mirror"}, "padding_mode among"),
        ({"padding": "same", "stride": 2}, "goes with a stride of 1"),
        ({"padding": "full"}, "'same' or 'valid'"),
        ({"padding": -1}, "at least 0"),
        ({"stride": 0}, "at least 1"),
    ],
)
def test_what_is_not_supported_is_said(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FabricConv2d(8, 8, 3, via="monarch", **arguments)


def test_sizes_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match="kernel_size"):
        FabricConv2d(8, 8, "3", via="monarch")
    with pytest.raises(TypeError, match="kernel_size"):
        FabricConv2d(8, 8, (3, 3, 3), via="monarch")


@pytest.mark.parametrize("via", ["monarch", "random(fan_in=4)", "block(size=8)"])
def test_outputs_have_the_second_moment_of_the_gain(via: str) -> None:
    layer = FabricConv2d(64, 64, 3, via=via, gain=2.0, bias=False, seed=3)
    y = layer(torch.randn(16, 64, 12, 12)).detach()
    assert 1.6 < float(y.square().mean()) < 2.4


def test_names_are_those_of_emitted_networks() -> None:
    spec = "nf 1\nnetwork net { input [16, 6, 6]; c: conv 16 kernel=3 via monarch }"
    emitted = nfc.load(nfc.Source("net.nf", spec)).network.torch()
    layer = FabricConv2d(16, 16, 3, padding=1, via="monarch")
    names = {f"c.{name}": value.shape for name, value in layer.named_parameters()}
    assert names == {name: value.shape for name, value in emitted.named_parameters()}
    assert layer.topology_digest == emitted.topology_digest


def test_another_topology_is_refused() -> None:
    state = FabricConv2d(16, 16, 3, via="random(fan_in=4, seed=1)").state_dict()
    with pytest.raises(RuntimeError, match="another topology"):
        FabricConv2d(16, 16, 3, via="random(fan_in=4, seed=2)").load_state_dict(state)


def test_copies_pickles_and_types() -> None:
    layer = FabricConv2d(16, 16, 3, via="monarch", padding_mode="reflect", padding=1)
    x = torch.randn(1, 16, 5, 5)
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(again(x), layer(x))
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    other = FabricConv2d(16, 16, 3, via="monarch", padding_mode="reflect", padding=1)
    other.load_state_dict(torch.load(buffer))
    assert torch.equal(other(x), layer(x))
    assert layer.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_a_lone_factor_learns_as_its_dense_twin_and_cascades_have_rates_of_their_own() -> None:
    model = nn.Sequential(FabricConv2d(64, 64, 3, via="dense"), FabricConv2d(64, 64, 3, via="monarch"))
    groups = parameter_groups(model, 1e-3)
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    rates = {id(weight): group["lr"] for group in groups for weight in group["params"]}
    assert rates[id(model[0].fabric.weight)] == pytest.approx(1e-3)
    assert len({rates[id(weight)] for weight in model[1].fabric.parameters()} - {1e-3}) >= 1


def images() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1, padding_mode="circular", bias=False),
        nn.Conv2d(64, 64, 3, groups=64),
        nn.Conv2d(64, 64, 3, dilation=2),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 10),
    )


def test_sparsify_swaps_convolutions() -> None:
    model, x = images(), torch.randn(2, 3, 20, 20)
    before = [module.bias for module in model if hasattr(module, "bias")]
    shape = model[:3](x).shape
    model = sparsify(model, {"2": "monarch", "3": "monarch", "4": "monarch"})
    report = model.sparsity_report
    assert isinstance(model[2], FabricConv2d)
    assert (report["2"].kind, report["2"].kernel) == ("Conv2d", (3, 3))
    assert report["2"].before == 32 * 64 * 9
    assert report["2"].after == sum(weight.numel() for weight in model[2].fabric.parameters())
    assert report["3"].obstacle == "it has 64 groups"
    assert report["3"].before == 64 * 9
    assert report["4"].obstacle == "its kernel is dilated by (2, 2)"
    assert model[:3](x).shape == shape
    assert [module.bias for module in model if hasattr(module, "bias")] == before
    assert "32 → 64, 3 × 3" in str(report)


def test_convolutions_keep_their_scale() -> None:
    dense = nn.Conv2d(64, 64, 3, padding=1, bias=False)
    x = torch.randn(8, 64, 16, 16)
    expected = float(dense(x).detach().square().mean())
    model = sparsify(nn.Sequential(dense), {"*": "monarch"})
    assert 0.75 < float(model(x).detach().square().mean()) / expected < 1.3


def test_subclasses_that_compute_something_else_stay() -> None:
    class Scaled(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    report = plan_sparsify(nn.Sequential(Scaled(8, 8, 3)), {"*": "monarch"})
    assert report["0"].obstacle == "Scaled computes something else than nn.Conv2d"


def test_if_faster_decides_by_the_predicted_time_of_the_convolution() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.Conv2d(512, 512, 3))
    report = plan_sparsify(model, {"*": "block(size=32)"}, if_faster=True, batch=4096)
    assert report["1"].replaced
    assert report["1"].speedup > 1.0
    assert all(entry.replaced == (entry.speedup >= 1.0) for entry in report.entries)
