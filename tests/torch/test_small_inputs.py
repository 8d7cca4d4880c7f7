"""Layers of blocks on few numbers in float32 go straight to their operators: as they compute in float64."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from nfc.backends import torch_helpers, torch_helpers_cascade
from nfc.backends.torch_helpers import BlockLinear, StridedBlockLinear
from tests.torch.test_cascade import CASES, cascade

SINGLE = {
    "blocks": lambda: BlockLinear(4, 3, 5),
    "blocks and bias": lambda: BlockLinear(4, 3, 5, bias=True),
    "strided": lambda: StridedBlockLinear(2, 3, 4, 5),
    "strided and bias": lambda: StridedBlockLinear(2, 3, 4, 5, bias=True),
}
LAYERS = SINGLE | {name: lambda case=case: cascade(*case).float() for name, case in CASES.items()}


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(1)
    made = LAYERS[request.param]()
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


def inputs(layer: nn.Module, batch: int, layout: str) -> Tensor:
    """[batch, features], read from memory in some way."""
    first = layer if hasattr(layer, "in_features") else layer[0]
    features = first.in_features
    x = {
        "batch first": lambda: torch.randn(batch, features),
        "feature first": lambda: torch.randn(features, batch).t(),
        "every other": lambda: torch.randn(batch, 2 * features)[:, ::2],
    }
    return x[layout]()


@pytest.mark.parametrize("layout", ["batch first", "feature first", "every other"])
@pytest.mark.parametrize("batch", [1, 2, 4, 17])
def test_values_and_derivatives(layer: nn.Module, batch: int, layout: str) -> None:
    exact = copy.deepcopy(layer).double()
    x = inputs(layer, batch, layout).requires_grad_()
    wanted = [x, *layer.parameters()]
    also = [x.detach().double().requires_grad_(), *exact.parameters()]
    with torch.inference_mode():
        torch.testing.assert_close(layer(x).double(), exact(also[0]), rtol=1e-4, atol=1e-4)
    found, expected = layer(x).mul_(2.0).pow(2), (2.0 * exact(also[0])).pow(2)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-3)
    first = torch.autograd.grad(found.sum(), wanted, create_graph=True)
    others = torch.autograd.grad(expected.sum(), also, create_graph=True)
    second = torch.autograd.grad(sum(each.square().sum() for each in first), wanted)
    again = torch.autograd.grad(sum(each.square().sum() for each in others), also)
    for own, other in zip((*first, *second), (*others, *again), strict=True):
        torch.testing.assert_close(
            own.double(), other, rtol=1e-3, atol=1e-4 * (1 + float(other.detach().norm()))
        )


def test_they_are_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def general(*_: object) -> None:
        raise AssertionError("the general way was taken")

    monkeypatch.setattr(torch_helpers, "last_product", general)
    monkeypatch.setattr(torch_helpers, "strided_product", general)
    monkeypatch.setattr(torch_helpers_cascade, "last_product", general)
    for name, make in SINGLE.items():
        layer = make()
        layer(inputs(layer, 1, "batch first"))
        if name.startswith("blocks"):
            layer(inputs(layer, 4, "batch first"))
    for case in ("monarch", "all fused"):
        layer = LAYERS[case]()
        for batch in (1, 4, 17):
            layer(inputs(layer, batch, "batch first"))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_of_two_types_are_refused(dtype: torch.dtype, batch: int) -> None:
    """Not for one sample alone, whose output would quietly be of the wider type."""
    layer = torch_helpers_cascade.Cascade(BlockLinear(4, 4, 4), StridedBlockLinear(1, 4, 4, 4))
    layer[1].to(dtype)
    with pytest.raises(RuntimeError, match="expected"):
        layer(torch.randn(batch, 16))


@pytest.mark.parametrize("name", SINGLE)
def test_a_wrong_width_is_said(name: str) -> None:
    with pytest.raises(ValueError, match="expects"):
        SINGLE[name]()(torch.randn(1, 7))
