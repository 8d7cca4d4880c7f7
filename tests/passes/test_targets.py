"""The variance that each layer aims at, read off the network's structure."""

from __future__ import annotations

from math import pi

import pytest

from nfc.ir.factors import Kron
from nfc.ir.network import (
    Activation,
    Concat,
    Crop,
    Dropout,
    Inline,
    Linear,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Sum,
)
from nfc.passes.targets import layer_targets
from tests.build import linear, network

SHAPE = {"input": (4,), "output": (4,)}


def layer(path: str) -> Linear:
    return linear(path, Kron(1, 4, 4, 1))


def activation(function: str, slope: float | None = None) -> Activation:
    return Activation(path=function, function=function, slope=slope, **SHAPE)


def residual(path: str, *body: Op, project: Linear | None = None) -> Residual:
    return Residual(path=path, body=body, project=project, **SHAPE)


def targets(*body: Op) -> dict[str, float]:
    return layer_targets(network("test", body))


def test_an_activation_asks_for_its_gain_and_the_last_layer_for_none() -> None:
    assert targets(layer("a"), activation("relu"), layer("b")) == {"a": 2.0, "b": 1.0}


def test_the_slope_of_leaky_relu_counts() -> None:
    assert targets(layer("a"), activation("leaky_relu", 0.5)) == {"a": pytest.approx(2.0 / 1.25)}
    assert targets(layer("a"), activation("leaky_relu")) == {"a": pytest.approx(2.0 / 1.0001)}


@pytest.mark.parametrize(
    "between",
    [
        Dropout(path="dropout1", probability=0.5, **SHAPE),
        Reshape(path="reshape1", **SHAPE),
        Pad(path="pad1", **SHAPE),
        Crop(path="crop1", **SHAPE),
    ],
)
def test_weightless_operations_are_looked_through(between: Op) -> None:
    assert targets(layer("a"), between, activation("relu")) == {"a": 2.0}


def test_norms_and_softmax_ask_for_nothing() -> None:
    norm = Norm(path="norm1", norm="layer", **SHAPE)
    assert targets(layer("a"), norm, activation("relu")) == {"a": 1.0}
    assert targets(layer("a"), activation("softmax")) == {"a": 1.0}


def test_ends_of_copies_and_of_other_networks_are_looked_through() -> None:
    copies = tuple((activation("relu"), layer(f"repeat1.{k}.a")) for k in range(3))
    inline = Inline(path="enc1", network="enc", body=(layer("enc1.a"),), **SHAPE)
    found = targets(inline, Repeat(path="repeat1", copies=copies, **SHAPE), activation("tanh"))
    assert found["enc1.a"] == found["repeat1.0.a"] == found["repeat1.1.a"] == 2.0
    assert found["repeat1.2.a"] == pytest.approx(2.536, abs=1e-3)


def test_branches_of_a_sum_share_and_branches_of_a_concat_do_not() -> None:
    branches = ((layer("0.a"), activation("relu"), layer("0.b")), (layer("1.a"),))
    found = targets(Sum(path="sum1", branches=branches, **SHAPE), activation("relu"))
    assert found == {"0.a": 2.0, "0.b": 1.0, "1.a": 1.0}
    found = targets(Concat(path="concat1", branches=branches, **SHAPE), activation("relu"))
    assert found == {"0.a": 2.0, "0.b": 2.0, "1.a": 2.0}


def test_a_layer_before_branches_takes_the_demand_they_share() -> None:
    relu, tanh = activation("relu"), activation("tanh")
    same = Sum(path="sum1", branches=((relu, layer("0.b")), (relu, layer("1.b"))), **SHAPE)
    other = Sum(path="sum1", branches=((relu, layer("0.b")), (tanh, layer("1.b"))), **SHAPE)
    assert targets(layer("a"), same)["a"] == 2.0
    assert targets(layer("a"), other)["a"] == 1.0


def test_the_last_layer_of_each_body_in_a_chain_has_an_equal_share() -> None:
    copies = tuple(
        (residual(f"{k}.residual1", layer(f"{k}.a"), activation("relu"), layer(f"{k}.b")),) for k in range(4)
    )
    found = targets(Repeat(path="repeat1", copies=copies, **SHAPE))
    assert found == {f"{k}.{name}": share for k in range(4) for name, share in (("a", 2.0), ("b", 0.25))}


def test_a_gain_inside_the_body_multiplies_its_share() -> None:
    found = targets(residual("r1", layer("a"), activation("relu")), residual("r2", layer("b")))
    assert found == {"a": pytest.approx(2.0 / (2 * (1 + 1 / pi))), "b": 0.5}


def test_a_body_that_ends_in_a_residual_block_shares_what_is_before_that() -> None:
    body = (layer("r1.a"), residual("r1.r", layer("r1.r.b")))
    assert targets(residual("r1", *body), residual("r2", layer("c"))) == {
        "r1.a": 0.5,
        "r1.r.b": 1.0,
        "c": 0.5,
    }


def test_an_identity_skip_ends_the_search_and_a_projected_one_does_not() -> None:
    relu = activation("relu")
    assert targets(residual("r1", layer("a")), relu) == {"a": 1.0}
    found = targets(residual("r1", layer("a"), project=layer("r1.project")), relu)
    assert found == {"a": 2.0, "r1.project": 2.0}


def test_nested_residuals_share_within_their_own_chain() -> None:
    inner = (residual("r1.r1", layer("a")), residual("r1.r2", layer("b")), layer("c"))
    assert targets(residual("r1", *inner), residual("r2", layer("d"))) == {
        "a": 0.5,
        "b": 0.5,
        "c": 0.5,
        "d": 0.5,
    }
