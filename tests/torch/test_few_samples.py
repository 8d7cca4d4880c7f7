"""Few samples go through large blocks as rows, in one function with a gradient of its own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from nfc.backends import torch_helpers, torch_helpers_cascade, torch_helpers_products
from nfc.backends.torch_helpers import BlockLinear, PartialBlockLinear, StridedBlockLinear
from nfc.backends.torch_helpers_cascade import Cascade
from nfc.backends.torch_helpers_fuse import FusedCascade
from nfc.backends.torch_helpers_rows import few_product
from tests.torch.test_cascade import matrix

MONARCH = [(32, 32, 16, 1), (1, 8, 32, 32)]


def partial() -> PartialBlockLinear:
    return PartialBlockLinear(500, 250, (4, 8, 16, 8), torch.arange(4 * 8 * 8 * 16))


def cascade(stages, fuse=()) -> Cascade:
    parts = [BlockLinear(*each[:3]) if each[3] == 1 else StridedBlockLinear(*each) for each in stages]
    return FusedCascade(*parts, fuse=fuse) if fuse else Cascade(*parts)


LAYERS = {
    "blocks": lambda: BlockLinear(32, 32, 40),
    "one block": lambda: BlockLinear(1, 200, 256),
    "strided": lambda: StridedBlockLinear(2, 16, 16, 64),
    "strided and bias": lambda: StridedBlockLinear(1, 32, 32, 33, bias=True),
    "monarch": lambda: cascade(MONARCH),
    "descending": lambda: cascade([(1, 16, 16, 32), (16, 32, 32, 1)]),
    "three": lambda: cascade([(64, 16, 16, 1), (4, 16, 16, 16), (1, 4, 4, 256)]),
    "fused": lambda: cascade([(128, 4, 4, 1), (32, 4, 4, 4), (8, 4, 4, 16), (1, 8, 8, 64)], (2, 2)),
    "two runs": lambda: cascade([(48, 24, 24, 1), (8, 20, 36, 4), (20, 32, 32, 1)]),
}


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(1)
    made = LAYERS[request.param]()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The samples of each call."""
    made: list[int] = []

    def counted(stages, x: Tensor, *blocks: Tensor) -> Tensor:
        made.append(len(x))
        return few_product(stages, x, *blocks)

    for module in (torch_helpers, torch_helpers_cascade, torch_helpers_products):
        monkeypatch.setattr(module, "few_product", counted)
    return made


def width(layer: nn.Module) -> int:
    return (layer if hasattr(layer, "in_features") else layer[0]).in_features


def dense(layer: nn.Module) -> Tensor:
    """The matrix in float64, weight by weight."""
    parts = list(layer) if isinstance(layer, Cascade) else [layer]
    product = torch.eye(width(layer), dtype=torch.float64)
    for part in parts:
        product = matrix(copy.deepcopy(part).double()).detach() @ product
    return product


@pytest.mark.parametrize("batch", [1, 2, 15, 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_outputs_are_those_of_the_dense_matrix(layer, calls, dtype, batch) -> None:
    layer.to(dtype)
    x = torch.randn(batch, width(layer), dtype=dtype)
    expected = x.double() @ dense(layer).t()
    if getattr(layer, "bias", None) is not None:
        expected += layer.bias.double()
    close = {"rtol": 0.05, "atol": 0.2} if dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(layer(x).double(), expected, **close)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x).double(), expected, **close)
    assert set(calls) == ({batch} if 1 < batch < 16 else set(calls) & {1})


@pytest.mark.parametrize("batch", [2, 15])
@pytest.mark.parametrize("layout", ["batch first", "feature first", "every other", "sequence"])
def test_derivatives_are_those_of_large_batches(layer, calls, layout, batch) -> None:
    """Which go as columns: the samples are the same thirty times over."""
    exact, features = copy.deepcopy(layer).double(), width(layer)
    x = {
        "batch first": lambda: torch.randn(batch, features),
        "feature first": lambda: torch.randn(features, batch).t(),
        "every other": lambda: torch.randn(batch, 2 * features)[:, ::2],
        "sequence": lambda: torch.randn(1, batch, features),
    }[layout]()
    x.requires_grad_()
    also = x.detach().double().requires_grad_()
    found = layer(x).mul_(2.0).pow(2)
    assert calls == [batch] * len(calls) != []
    many = also.reshape(-1, features).repeat(30, 1)
    expected = (2.0 * exact(many)).pow(2)
    assert max(calls) == batch
    torch.testing.assert_close(
        found.double().reshape(batch, -1), expected[:batch].detach(), rtol=1e-3, atol=1e-3
    )
    wanted, others = [x, *layer.parameters()], [also, *exact.parameters()]
    first = torch.autograd.grad(found.sum(), wanted, create_graph=True)
    of_many = torch.autograd.grad(expected.sum() / 30, others, create_graph=True)
    second = torch.autograd.grad(sum(each.square().sum() for each in first), wanted)
    again = torch.autograd.grad(sum(each.square().sum() for each in of_many), others)
    for own, other in zip((*first, *second), (*of_many, *again), strict=True):
        torch.testing.assert_close(
            own.double(), other, rtol=1e-3, atol=1e-4 * (1 + float(other.detach().norm()))
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_has_gradients_of_all_types(layer, calls, dtype) -> None:
    """Of a hidden layer, whose input is of the lower type already, too."""
    x = torch.randn(4, width(layer)).to(dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert calls
    first = next(iter(layer.parameters()))
    found = torch.autograd.grad(y.float().sum(), [x, first])
    expected = torch.autograd.grad(layer(x.float()).sum(), [x, first])
    assert [each.dtype for each in found] == [dtype, torch.float32]
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(
            own.float(), other.float(), rtol=0.05, atol=0.02 * float(other.abs().max())
        )


@pytest.mark.parametrize("trained", [(0,), (1,), (2,), (0, 2)])
def test_frozen_weights_get_no_gradient_and_others_theirs(trained) -> None:
    layers = LAYERS["three"]()
    for part in layers:
        nn.init.normal_(part.weight)
    x = torch.randn(3, 1024)
    expected = torch.autograd.grad(layers(x).sum(), [part.weight for part in layers])
    for number, part in enumerate(layers):
        part.weight.requires_grad_(number in trained)
    layers(x).sum().backward()
    for number, part in enumerate(layers):
        if number in trained:
            torch.testing.assert_close(part.weight.grad, expected[number])
        else:
            assert part.weight.grad is None


def test_no_samples_and_no_gradient(layer) -> None:
    x = torch.zeros(0, width(layer), requires_grad=True)
    y = layer(x)
    assert y.shape[0] == 0
    (of_x,) = torch.autograd.grad(y.sum(), x)
    assert of_x.shape == x.shape


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_tangents_are_carried_by_operators(layer) -> None:
    x, tangent = torch.randn(3, width(layer)), torch.randn(3, width(layer))
    with forward_ad.dual_level():
        _, found = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, tangent)))
    expected = tangent.double() @ dense(layer).t()
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-3)
    _, also = torch.func.jvp(layer, (x,), (tangent,))
    torch.testing.assert_close(also.double(), expected, rtol=1e-3, atol=1e-3)


def test_partial_blocks() -> None:
    layer = partial()
    nn.init.normal_(layer.weight)
    x = torch.randn(30, 500)
    torch.testing.assert_close(layer(x[:5]), layer(x)[:5], rtol=1e-4, atol=1e-4)
