"""What code finds that reads `layer.weight`."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from nfc.torch import FabricLinear
from tests.dropin.masked import matrix


@pytest.fixture
def layer() -> FabricLinear:
    return FabricLinear(16, 8, via="monarch", seed=1)


def test_size_type_and_device_are_at_hand(layer: FabricLinear) -> None:
    weight = layer.weight
    assert weight.shape == (8, 16)
    assert (weight.size(0), weight.size(), weight.ndim, weight.dim(), weight.numel()) == (
        8,
        (8, 16),
        2,
        2,
        128,
    )
    assert (weight.dtype, weight.device.type, weight.requires_grad) == (torch.float32, "cpu", True)
    assert "weight" not in dict(layer.named_parameters())


def test_functions_get_the_matrix(layer: FabricLinear) -> None:
    expected = matrix(layer)
    x = torch.randn(3, 16)
    torch.testing.assert_close(F.linear(x, layer.weight, layer.bias), layer(x))
    torch.testing.assert_close(torch.linalg.norm(layer.weight), torch.linalg.norm(expected))
    torch.testing.assert_close(torch.cat([layer.weight, layer.weight]), torch.cat([expected, expected]))
    layer.zero_grad()
    torch.sum(layer.weight).backward()
    assert layer.fabric[0].weight.grad.any()


def test_a_weight_as_the_input_of_linear(layer: FabricLinear) -> None:
    torch.testing.assert_close(F.linear(layer.weight, torch.eye(16)), matrix(layer))


@pytest.mark.parametrize("function", [nn.init.normal_, nn.init.xavier_uniform_, nn.init.zeros_])
def test_changes_in_place_are_refused(layer: FabricLinear, function: object) -> None:
    with pytest.raises((TypeError, AttributeError), match="edges, which are the layer's parameters"):
        function(layer.weight)


def test_unknown_attributes_are_named(layer: FabricLinear) -> None:
    with pytest.raises(AttributeError, match=r"no attribute `data`.*`dense\(\)` makes the matrix"):
        layer.weight.data  # noqa: B018


def test_attention_that_reads_the_weight_of_its_projection() -> None:
    attention = nn.MultiheadAttention(16, 2, batch_first=True)
    attention.out_proj = FabricLinear(16, 16, via="monarch", seed=1)
    dense = nn.MultiheadAttention(16, 2, batch_first=True)
    dense.load_state_dict(
        {
            "in_proj_weight": attention.in_proj_weight.detach(),
            "in_proj_bias": attention.in_proj_bias.detach(),
            "out_proj.weight": matrix(attention.out_proj).detach(),
            "out_proj.bias": attention.out_proj.bias.detach(),
        }
    )
    x = torch.randn(2, 5, 16)
    for module in (attention.eval(), dense.eval()):
        module.requires_grad_(False)
    torch.testing.assert_close(attention(x, x, x)[0], dense(x, x, x)[0])
