"""`nfc.torch.parameter_groups`: fabrics among ordinary layers, and how far a step moves outputs."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

import nfc
from nfc.source import Source
from nfc.torch import FabricLinear, parameter_groups

TOPOLOGIES = ("monarch", "butterfly", "butterfly(radix=4)", "random(fan_in=4)", "random(fan_in=16)", "diagonal",
              "lowrank(8)", "parallel(8, monarch)", "parallel(8, butterfly)", "butterfly + lowrank(8)", "benes",
              "expander(8, depth=6)", "random(fan_in=16, width=256) >> random(fan_in=64)")  # fmt: skip
RATE = 1e-5


def moved(layer: nn.Module, width: int) -> float:
    """The root mean square of what one step of Adam changes in outputs, in units of the rate."""
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(64, width, generator=generator) for _ in range(2))
    y = layer(x)
    y.backward(gradient)
    torch.optim.Adam(parameter_groups(layer, RATE), eps=1e-30).step()
    with torch.no_grad():
        return float((layer(x) - y).square().mean().sqrt()) / RATE


@cache
def dense_moved(width: int) -> float:
    return moved(nn.Linear(width, width, bias=False), width)


@pytest.mark.parametrize("width", [64, 512, 4096])
@pytest.mark.parametrize("via", TOPOLOGIES)
def test_a_step_moves_outputs_as_far_as_in_a_dense_layer(via: str, width: int) -> None:
    layer = FabricLinear(width, width, bias=False, via=via, seed=0)
    assert 0.45 < moved(layer, width) / dense_moved(width) < 1.6


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        text = (
            "nf 1\nnetwork Inner {\n    input 16\n    linear 16 via butterfly(radix=4)\n    norm layer\n}\n"
        )
        self.embedding = nn.Embedding(10, 16)
        self.fabric = FabricLinear(16, 16, via="monarch")
        self.norm = nn.LayerNorm(16)
        self.inner = nfc.load(Source("inner.nf", text)).network.torch()
        self.head = nn.Linear(16, 10)
        self.head.weight = self.embedding.weight
        self.temperature = nn.Parameter(torch.ones(()))


def multiples(groups: list[dict[str, object]], model: nn.Module) -> dict[str, tuple[float, float]]:
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: (group["lr"], group["weight_decay"]) for group in groups for parameter in group["params"]
    }  # fmt: skip


def test_fabrics_have_rates_of_their_own_and_others_the_given_one() -> None:
    model = Model()
    groups = parameter_groups(model, 1.0, 0.5)
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    found = multiples(groups, model)
    factors = [
        f"{layer}.{name}"
        for layer in ("fabric.fabric", "inner.linear1.fabric")
        for name in ("0.weight", "1.weight")
    ]
    # two stages of fan-in 4: half of (16 + 8 √16) / (4 + 8 √4)
    assert {name: found.pop(name) for name in factors} == dict.fromkeys(factors, (1.2, 0.5 / 2 / 1.2))
    assert found.pop("embedding.weight") == (1.0, 0.5)
    assert set(found.values()) == {(1.0, 0.0)}
    assert set(found) == {"fabric.bias", "norm.weight", "norm.bias", "inner.linear1.bias", "inner.norm1.weight",
                          "inner.norm1.bias", "head.bias", "temperature"}  # fmt: skip


@pytest.mark.parametrize(
    "via", ["dense", "diagonal", "monarch", "bernoulli(30%, seed=3)", "butterfly + lowrank(2)"]
)
def test_a_layer_has_the_rates_that_it_has_in_an_emitted_network(via: str) -> None:
    text = f"nf 1\nnetwork Net {{\n    input 16\n    linear 16 via {via}\n}}\n"
    emitted = nfc.load(Source("net.nf", text)).network.torch()
    layer = FabricLinear(16, 16, via=via)
    one, own, general = (
        {(group["lr"], group["weight_decay"], len(group["params"])) for group in groups}
        for groups in (
            emitted.parameter_groups(1.0, 1.0),
            layer.parameter_groups(1.0, 1.0),
            parameter_groups(layer, 1.0, 1.0),
        )
    )
    assert one == own == general


def test_frozen_parameters_stay_in_their_groups() -> None:
    model = Model()
    before = multiples(parameter_groups(model, 1.0, 0.5), model)
    model.fabric.requires_grad_(False)
    assert multiples(parameter_groups(model, 1.0, 0.5), model) == before


def test_a_model_is_a_module() -> None:
    with pytest.raises(TypeError, match="expected a model"):
        parameter_groups([nn.Parameter(torch.ones(2))], 1e-3)


def test_a_parametrised_factor_is_named() -> None:
    layer = FabricLinear(16, 16, via="butterfly")
    nn.utils.parametrizations.weight_norm(layer.fabric[0])
    with pytest.raises(TypeError, match=r"fabric\.0\.weight is no parameter"):
        parameter_groups(layer, 1e-3)
