"""Which kernel each factor becomes, and that kernels' trees mirror their fabrics."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.backends.numpy_interpreter import apply_kernel
from nfc.ir.digest import network_digest
from nfc.ir.fabric import Cascade, Sum, named_factors
from nfc.ir.network import Draw, Residual
from nfc.lowering import lower
from nfc.lowering.kernels import output_features, product, weighted_kernels
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    CropFeatures,
    Dense,
    Neighbours,
    PadFeatures,
    Product,
    Sparse,
)
from tests.build import FABRICS, dense_pattern, linear, network

KINDS = {
    "dense": Dense,
    "block": Blocked,
    "diagonal": Blocked,
    "strided": Blocked,
    "butterfly": Chain,
    "blocks": BlockSets,
    "torus": Neighbours,
    "hypercube": Neighbours,
    "fan_in": Neighbours,
    "edges": Sparse,
    "restricted": Chain,
    "sum": Add,
    "nested": Chain,
}


def layer(fabric, path="linear1", **options):
    count = len(list(named_factors(fabric)))
    made = linear(path, fabric, **options)
    draws = tuple(Draw("uniform", 1.0, stream) for stream in range(count))
    return type(made)(**{**vars(made), "draws": draws})


def ones(kernel):
    """Weights of one on every edge."""
    return {part.weight.name: np.ones(part.weight.shape, np.float32) for part in weighted_kernels(kernel)}


@pytest.mark.parametrize("kind", FABRICS)
def test_kernels_with_weights_of_one_count_paths(kind):
    fabric = FABRICS[kind]
    kernel = product(layer(fabric)).kernel
    assert type(kernel) is KINDS[kind]
    counted = apply_kernel(kernel, ones(kernel), np.eye(fabric.cols, dtype=np.float32))
    np.testing.assert_array_equal(counted, dense_pattern(fabric))


@pytest.mark.parametrize("kind", FABRICS)
def test_weights_are_named_and_shaped_as_the_factors(kind):
    fabric = FABRICS[kind]
    found = [(k.weight.name, k.weight.shape) for k in weighted_kernels(product(layer(fabric)).kernel)]
    lone = not isinstance(fabric, Cascade | Sum)
    expected = [
        ("linear1.weight" if lone else f"linear1.fabric.{place}.weight", factor.weight_shape)
        for place, factor in named_factors(fabric)
    ]
    assert found == expected


@pytest.mark.parametrize("kind", FABRICS)
def test_output_features(kind):
    kernel = product(layer(FABRICS[kind])).kernel
    assert output_features(kernel, FABRICS[kind].cols) == FABRICS[kind].rows


def test_a_restricted_factor_pads_only_where_it_is_cut():
    first, middle, last = product(layer(FABRICS["restricted"])).kernel.parts
    assert [type(part) for part in first.parts] == [PadFeatures, Blocked]
    assert first.parts[0].size == 8
    assert type(middle) is Blocked
    assert [type(part) for part in last.parts] == [Blocked, CropFeatures]
    assert last.parts[1].size == 6
    for kernel, factor in zip(
        (first.parts[1], middle, last.parts[0]), FABRICS["restricted"].parts, strict=True
    ):
        np.testing.assert_array_equal(kernel.places, factor.block_positions())
        _, inputs = factor.arrays()
        np.testing.assert_array_equal(factor.base.arrays()[1][kernel.places], inputs)


def test_a_plan_keeps_the_network_and_its_digest():
    residual = Residual(
        path="residual1",
        input=(8,),
        output=(6,),
        body=(layer(FABRICS["dense"], "residual1.linear1"),),
        project=layer(FABRICS["dense"], "residual1.project", bias=False),
    )
    net = network("net", (residual,))
    plan = lower(net)
    assert (plan.name, plan.input, plan.output) == ("net", (8,), (6,))
    assert (plan.source_name, plan.source_digest) == (net.source_name, net.source_digest)
    assert plan.topology_digest == network_digest(net)
    (kept,) = plan.body
    assert isinstance(kept.project, Product)
    assert (kept.project.bias, kept.body[0].bias) == (None, "residual1.linear1.bias")


def test_layers_without_draws_are_an_internal_error():
    with pytest.raises(ValueError, match="initialisation pass"):
        lower(network("net", (linear("linear1", FABRICS["dense"]),)))
