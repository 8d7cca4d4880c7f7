"""The tables of properties: values by hand, names, and what is said of unknown ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import nfc
from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import (
    FABRIC_PROPERTIES,
    LAYER_PROPERTIES,
    NETWORK_PROPERTIES,
    fabric_properties,
    layer_properties,
    network_properties,
)
from nfc.ir.fabric import Fabric, Sum
from nfc.ir.factors import Kron
from nfc.ir.network import Concat, Inline, Network, Norm, Repeat, Residual, WeightedLayer, walk
from nfc.ir.network import Sum as SumOf
from nfc.ir.parameters import parameters
from nfc.ir.sequences import Attention
from tests.build import FABRICS, butterfly, dense_pattern, linear, network
from tests.strategies import fabrics, initialised, networks

ROOT = Path(__file__).parents[2]


def test_a_layer_by_hand() -> None:
    layer = linear("mix", Sum((butterfly(8), Kron(1, 8, 8, 1))), leading=(5,))
    found = layer_properties(layer)
    assert {name: found[name] for name in ("params", "edges", "flops", "density", "factors", "depth")} == {
        "params": 3 * 16 + 64 + 8,
        "edges": 112,
        "flops": 2 * 112 * 5,
        "density": 112 / 64,
        "factors": 4,
        "depth": 3,
    }
    assert found.group("paths") == {"min": 2, "max": 2, "mean": 2.0, "cv": 0.0}
    assert found.group("fan_in") == {"min": 2, "max": 10, "mean": 112 / 24}
    assert (found["connected"], found["reach"]) == (True, 1.0)


def by_hand() -> Network:
    first = linear("enc.first", butterfly(4))
    norm = Norm(path="norm1", input=(4,), output=(4,), norm="layer")
    root = Norm(path="norm2", input=(4,), output=(4,), norm="rms")
    project = replace(linear("residual1.project", Kron(1, 6, 4, 1), bias=False))
    deep = (linear("residual1.linear1", butterfly(4)), linear("residual1.linear2", Kron(1, 6, 4, 1)))
    copies = tuple((linear(f"repeat1.{copy}.linear1", Kron(6, 1, 1, 1)),) for copy in range(3))
    branches = ((linear("sum1.0.linear1", Kron(1, 6, 6, 1)),), ())
    halves = (
        (linear("concat1.0.linear1", Kron(1, 2, 6, 1)),),
        (linear("concat1.1.linear1", Kron(1, 3, 6, 1)),),
    )
    body = (
        Inline(path="enc", input=(4,), output=(4,), network="enc", body=(first,)),
        norm,
        root,
        Residual(path="residual1", input=(4,), output=(6,), body=deep, project=project),
        Repeat(path="repeat1", input=(6,), output=(6,), copies=copies),
        SumOf(path="sum1", input=(6,), output=(6,), branches=branches),
        Concat(path="concat1", input=(6,), output=(5,), branches=halves),
    )
    return network("byhand", body)


def test_a_network_by_hand() -> None:
    found = network_properties(by_hand())
    edges = 16 + 24 + 16 + 24 + 3 * 6 + 36 + 12 + 18
    biases = 4 + 4 + 6 + 3 * 6 + 6 + 2 + 3
    assert found["edges"] == edges
    assert found["params"] == edges + biases + 8 + 4
    assert found["bytes"] == 4 * found["params"]
    assert found["flops"] == 2 * edges
    assert found["depth"] == 2 + 3 + 3 + 1 + 1
    assert found["density"] == edges / (16 + 24 + 16 + 24 + 3 * 36 + 36 + 12 + 18)


@settings(max_examples=50, deadline=None)
@given(networks())
def test_networks_add_their_layers(drawn: Network) -> None:
    found = network_properties(drawn)
    layers = [layer_properties(op) for op in walk(drawn.body) if isinstance(op, WeightedLayer)]
    assert found["edges"] == sum(layer["edges"] for layer in layers)
    attentions = [op.input for op in walk(drawn.body) if isinstance(op, Attention)]
    between = sum(4 * tokens**2 * features for tokens, features in attentions)
    assert found["flops"] == sum(layer["flops"] for layer in layers) + between
    assert found["depth"] <= sum(layer["depth"] for layer in layers)
    trainable = [parameter for parameter in parameters(drawn) if parameter.trainable]
    assert found["params"] == sum(parameter.count for parameter in trainable)


@settings(max_examples=50, deadline=None)
@given(fabrics())
def test_reach_and_connected_follow_from_the_paths(fabric: Fabric) -> None:
    found = fabric_properties(fabric)
    assert found["connected"] == (found["paths.min"] > 0)
    assert (found["reach"] == 1.0) == found["connected"]


@pytest.mark.parametrize("name", FABRICS)
def test_only_edges_count(name: str) -> None:
    found = fabric_properties(FABRICS[name])
    assert found["edges"] == sum(np.count_nonzero(dense_pattern(f)) for f in _factors(FABRICS[name]))


def _factors(fabric: Fabric) -> list[Fabric]:
    parts = getattr(fabric, "parts", None)
    return [fabric] if parts is None else [factor for part in parts for factor in _factors(part)]


def test_every_property_that_is_listed_has_a_value() -> None:
    drawn = initialised(by_hand(), np.random.default_rng(0))
    assert set(network_properties(drawn)) == set(NETWORK_PROPERTIES)
    assert all(value is not None for value in dict(network_properties(drawn)).values())
    layer = dict(layer_properties(linear("head", butterfly(4))))
    assert set(layer) == set(LAYER_PROPERTIES)
    assert all(value is not None for value in layer.values())


def test_an_unknown_name_suggests_two() -> None:
    with pytest.raises(PropertyError, match="no property `fan_in_max`") as caught:
        layer_properties(linear("head", butterfly(4)))["fan_in_max"]
    assert caught.value.code == "NF502"
    assert caught.value.hints[0].startswith("did you mean `fan_in.max` or ")


def test_the_guide_lists_every_property_with_its_definition() -> None:
    guide = (ROOT / "docs" / "properties.md").read_text("utf-8")
    for table in (FABRIC_PROPERTIES, LAYER_PROPERTIES, NETWORK_PROPERTIES):
        for entry in table.values():
            assert f"| `{entry.name}` | {entry.definition} | {entry.cost} |" in guide


@pytest.mark.parametrize(
    ("topology", "rows", "cols", "count"),
    [
        ("butterfly", 64, 64, 1),
        ("butterfly(radix=4)", 32, 32, 1),
        ("butterfly", 50, 60, 1),
        ("monarch", 48, 48, 1),
        ("parallel(3, butterfly)", 64, 64, 3),
        ("parallel(3, butterfly(radix=4), shuffle=1)", 64, 64, 3),
        ("benes", 64, 64, 32),
        ("benes(radix=4)", 64, 64, 16),
        ("clos(inputs=4, middle=6)", 32, 32, 6),
        ("lowrank(rank=5)", 30, 20, 5),
    ],
)
def test_path_counts_of_the_guide(topology: str, rows: int, cols: int, count: int) -> None:
    fabric = nfc.topology(topology, rows, cols)
    assert fabric.properties("paths") == {
        "paths": {"min": count, "max": count, "mean": float(count), "cv": 0.0}
    }
