"""Fused stages and clusters as they are stored: against dense products and the kernels that they stand for."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from nfc.backends.onnx_graph.folding import folded
from nfc.backends.onnx_graph.kernels import cluster_blocks, cluster_places, coordinates
from nfc.ir.fabric import Cascade
from nfc.ir.factors import Kron
from nfc.ir.network import Network
from nfc.lowering.fuse import fused
from nfc.lowering.kernels import shape_of
from nfc.lowering.plan import Clustered, Fused, Product
from tests.build import butterfly, linear, network, random_values
from tests.onnx.plans import factor_kernel, in_clusters, plan_of, weights_of, with_kernels
from tests.onnx.running import agree, assert_computes, compiled
from tests.onnx.test_kernels import LARGER

RUNS = {
    "ascending": (Kron(12, 2, 2, 1), Kron(4, 3, 3, 2), Kron(1, 4, 4, 6)),
    "descending": (Kron(1, 4, 4, 6), Kron(4, 3, 3, 2), Kron(12, 2, 2, 1)),
    "uneven": (Kron(4, 3, 6, 1), Kron(2, 4, 2, 3)),
    "strided": (Kron(6, 2, 2, 2), Kron(2, 3, 3, 4)),
    "strided_down": (Kron(2, 3, 5, 4), Kron(6, 2, 2, 2)),
}


def dense(stage: Kron, weights: np.ndarray) -> np.ndarray:
    """The matrix of a stage, from its edges."""
    matrix = np.zeros(stage.shape)
    indptr, indices = stage.arrays()
    matrix[np.repeat(np.arange(stage.rows), np.diff(indptr)), indices] = weights.reshape(-1)
    return matrix


def everything_fused(net: Network) -> Fused:
    (op,) = plan_of(net).body
    assert isinstance(op, Product)
    return fused(op.kernel.parts)


@pytest.mark.parametrize("name", [*RUNS])
def test_folded_weights_are_the_product_of_the_stages(name: str) -> None:
    stages = RUNS[name]
    net = network("n", (linear("linear1", Cascade(stages), bias=False),))
    weights = weights_of(net)
    kernel = everything_fused(net)
    product = np.eye(stages[0].cols)
    for index, stage in enumerate(stages):
        product = dense(stage, weights[f"linear1.fabric.{index}.weight"].astype(np.float64)) @ product
    found = dense(Kron(kernel.a, kernel.b, kernel.c, kernel.d), folded(kernel, weights))
    np.testing.assert_allclose(found, product, rtol=1e-14)


@pytest.mark.parametrize(("dtype", "stored"), [("float32", np.float32), ("float16", np.float16)])
def test_folded_weights_are_rounded_once(dtype: str, stored: type) -> None:
    net = network("n", (linear("linear1", butterfly(64), bias=False),))
    weights = weights_of(net)
    kernel = everything_fused(net)
    choose = with_kernels(lambda found: everything_fused(net) if hasattr(found, "parts") else found)
    model = onnx.load_from_string(compiled(net, weights, choose=choose, optimised=True, dtype=dtype))
    (tensor,) = (each for each in model.graph.initializer if each.name.endswith("/folded"))
    found = onnx.numpy_helper.to_array(tensor)
    assert found.dtype == stored
    np.testing.assert_array_equal(found.reshape(-1), folded(kernel, weights).reshape(-1).astype(stored))


@pytest.mark.parametrize("batch", [1, 64])
def test_float16_of_fused_stages_runs(batch: int) -> None:
    net = network("n", (linear("linear1", Cascade((*butterfly(64).parts, Kron(32, 2, 2, 1)))),))
    weights = {name: values / 4 for name, values in weights_of(net).items()}
    choose = with_kernels(
        lambda found: (
            type(found)((fused(found.parts[:3]), fused(found.parts[3:6]), found.parts[6]))
            if hasattr(found, "parts")
            else found
        )
    )
    options = {"choose": choose, "optimised": True, "batch": batch}
    assert_computes(net, weights, **options)
    agree(net, weights, compiled(net, weights, dtype="float16", **options), tolerance=3e-3)


@pytest.mark.parametrize("height", [1, 4, 7])
@pytest.mark.parametrize("name", ["edges", "empty_rows", "fan_in", "torus"])
def test_blocks_of_clusters_hold_every_edge_once(name: str, height: int) -> None:
    kernel = in_clusters(height)(factor_kernel(LARGER[name], "w"))
    assert isinstance(kernel, Clustered)
    rows, cols = shape_of(kernel.kernel)
    row, column = coordinates(kernel.kernel)
    weights = random_values((len(row),))
    blocks, places = cluster_blocks(kernel, weights), cluster_places(kernel)
    expected = np.zeros((rows, cols), np.float32)
    expected[row, column] = weights
    found = np.zeros_like(expected)
    for index, place in enumerate(places):
        cluster, line = divmod(int(place), height)
        np.add.at(found[index], kernel.col_sets[cluster], blocks[cluster, line])
    np.testing.assert_array_equal(found, expected)
