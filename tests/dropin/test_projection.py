"""Starting from a dense layer's weights: closed forms, exact recovery, and what is refused."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from nfc.torch import FabricConv2d, FabricLinear, plan_sparsify, sparsify
from tests.dropin.masked import SINGLE, matrix
from tests.dropin.test_convolution import kernel_of

EXACT = 1e-5


def distance(found: torch.Tensor, target: torch.Tensor) -> float:
    found, target = found.detach().double(), target.detach().double()
    return float((found - target).norm() / target.norm())


def dense_of(matrix: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(matrix.shape[1], matrix.shape[0])
    layer.weight.data = matrix.detach().clone()
    return layer


@pytest.mark.parametrize("via", SINGLE)
def test_a_factor_takes_the_entries_at_its_edges(via: str) -> None:
    dense = nn.Linear(64, 64)
    layer = FabricLinear.from_dense(dense, via=via)
    (factor,) = layer.topology.factors
    mask = torch.tensor(factor.csr().toarray(), dtype=torch.float32)
    assert torch.equal(matrix(layer), dense.weight * mask)
    assert torch.equal(layer.bias, dense.bias)
    assert layer.projection_error == pytest.approx(distance(dense.weight * mask, dense.weight), rel=1e-6)


@pytest.mark.parametrize(("rows", "cols"), [(48, 64), (64, 48), (20, 600)])
def test_low_rank_is_the_leading_singular_vectors(rows: int, cols: int) -> None:
    dense = nn.Linear(cols, rows)
    layer = FabricLinear.from_dense(dense, via="lowrank(8)")
    s = torch.linalg.svdvals(dense.weight.detach().double())
    expected = float(s[8:].norm() / s.norm())
    assert layer.projection_error == pytest.approx(expected, rel=1e-6)


def test_leading_singular_vectors_of_large_matrices() -> None:
    left, right = torch.randn(600, 4), torch.randn(4, 560)
    layer = FabricLinear.from_dense(dense_of(left @ right), via="lowrank(4)")
    assert layer.projection_error < EXACT


def test_monarch_takes_the_best_rank_one_part_of_each_block() -> None:
    dense = nn.Linear(64, 64)
    layer = FabricLinear.from_dense(dense, via="monarch")
    first, second = (torch.tensor(factor.csr().toarray()) for factor in layer.topology.factors)
    left = 0.0
    for neuron in range(64):
        rows, cols = second[:, neuron].nonzero()[:, 0], first[neuron].nonzero()[:, 0]
        s = torch.linalg.svdvals(dense.weight.detach().double()[rows][:, cols])
        left += float(s[1:].square().sum())
    expected = math.sqrt(left) / float(dense.weight.detach().double().norm())
    assert layer.projection_error == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "via",
    [
        "monarch",
        "butterfly(radix=2)",
        "butterfly(radix=8)",
        "lowrank(5)",
        "diagonal >> monarch",
        "random(fan_in=4)",
    ],
)
def test_a_product_is_recovered(via: str) -> None:
    source = FabricLinear(64, 64, via=via, seed=1)
    layer = FabricLinear.from_dense(dense_of(matrix(source)), via=via)
    assert layer.projection_error < EXACT
    assert distance(matrix(layer), matrix(source)) < EXACT


@pytest.mark.parametrize(
    "via",
    ["monarch + bernoulli(.1)", "parallel(2, butterfly(radix=8))", "random(fan_in=8) >> random(fan_in=8)"],
)
def test_descent_beats_its_start(via: str) -> None:
    dense = nn.Linear(32, 32)
    layer = FabricLinear.from_dense(dense, via=via)
    assert layer.projection_error == pytest.approx(distance(matrix(layer), dense.weight), rel=1e-5)
    weights = list(layer.fabric.parameters())
    loss = (matrix(layer) - dense.weight.detach()).square().sum()
    gradients = torch.autograd.grad(loss, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        scale = float(weight.detach().norm() * dense.weight.detach().norm())
        assert float(gradient.norm()) < 0.02 * scale


@pytest.mark.parametrize(
    ("cols", "rows", "via"),
    [
        (50, 30, "butterfly"),
        (30, 50, "monarch"),
        (7, 1, "lowrank(3)"),
        (17, 9, "butterfly(radix=2)"),
        (12, 12, "random(fan_in=2) >> (diagonal + random(fan_in=3))"),
    ],
)
def test_the_error_is_that_of_the_layer_whatever_its_sizes(cols: int, rows: int, via: str) -> None:
    dense = nn.Linear(cols, rows)
    layer = FabricLinear.from_dense(dense, via=via)
    x = torch.eye(cols)
    found = (layer(x) - layer.bias).T
    assert layer.projection_error == pytest.approx(distance(found, dense.weight), rel=1e-4, abs=1e-6)
    assert layer.projection_error < 1.0


def test_two_random_factors_are_fitted_better_than_a_mask_of_as_many_edges() -> None:
    dense = nn.Linear(64, 64)
    product = FabricLinear.from_dense(dense, via="random(fan_in=8) >> random(fan_in=8)")
    mask = FabricLinear.from_dense(dense, via="random(fan_in=16)")
    assert product.projection_error < mask.projection_error


@pytest.mark.parametrize("via", ["monarch", "butterfly(radix=4)", "lowrank(6)"])
def test_factors_have_the_same_scale_at_each_neuron_between(via: str) -> None:
    layer = FabricLinear.from_dense(nn.Linear(64, 64), via=via)
    weights = dict(layer.fabric.named_parameters())
    dense = [
        csr_weights(factor, weights[f"{place}.weight"]) for place, factor in enumerate(layer.topology.factors)
    ]
    for first, second in pairwise(dense):
        np.testing.assert_allclose(np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=0), rtol=0.05)


def csr_weights(factor: object, weight: torch.Tensor) -> np.ndarray:
    pattern = factor.csr().tocsr().astype(np.float64)
    pattern.data[:] = weight.detach().numpy().reshape(-1)
    return pattern.toarray()


@pytest.mark.parametrize("via", ["lowrank(4)", "monarch", "random(fan_in=8) >> random(fan_in=8)"])
def test_neurons_without_use_can_still_learn(via: str) -> None:
    layer = FabricLinear.from_dense(dense_of(torch.zeros(16, 16)), via=via)
    assert layer.projection_error == 0.0
    assert not matrix(layer).any()
    layer(torch.randn(8, 16)).sum().backward()
    assert any(weight.grad.any() for weight in layer.fabric.parameters())


def test_a_convolution_is_masked_kernel_by_kernel() -> None:
    dense = nn.Conv2d(32, 32, 3, stride=2, padding=1)
    layer = FabricConv2d.from_dense(dense, via="block(size=8)")
    mask = torch.tensor(layer.topology.factors[0].csr().toarray(), dtype=torch.float32)[..., None, None]
    assert torch.equal(kernel_of(layer), dense.weight * mask)
    x = torch.randn(2, 32, 8, 8)
    expected = nn.functional.conv2d(x, dense.weight * mask, dense.bias, 2, 1)
    np.testing.assert_allclose(layer(x).detach(), expected.detach(), atol=1e-5)


@pytest.mark.parametrize("via", ["monarch", "lowrank(4)", "butterfly(radix=2)"])
def test_a_product_in_a_convolution_is_recovered(via: str) -> None:
    dense = nn.Conv2d(16, 16, 3)
    dense.weight.data = kernel_of(FabricConv2d(16, 16, 3, via=via, seed=2)).detach()
    assert FabricConv2d.from_dense(dense, via=via).projection_error < EXACT


def test_low_rank_of_a_convolution_is_that_of_its_unfolded_kernel() -> None:
    dense = nn.Conv2d(16, 24, 3)
    layer = FabricConv2d.from_dense(dense, via="lowrank(4)")
    s = torch.linalg.svdvals(dense.weight.detach().double().flatten(1))
    assert layer.projection_error == pytest.approx(float(s[4:].norm() / s.norm()), rel=1e-6)


def test_sparsify_starts_from_the_weights_and_reports_the_error() -> None:
    from transformers.pytorch_utils import Conv1D

    model = nn.Sequential(nn.Linear(16, 32), Conv1D(24, 32), nn.Unflatten(1, (24, 1, 1)), nn.Conv2d(24, 8, 1))
    x = torch.randn(5, 16)
    expected, dense = model(x).detach(), [module.weight.detach().clone() for module in (model[0], model[1])]
    report = plan_sparsify(model, {"*": "lowrank(8)"}, project=True)
    model = sparsify(model, {"*": "lowrank(8)"}, project=True)
    for name, weight in zip(("0", "1"), dense, strict=True):
        s = torch.linalg.svdvals(weight.double())
        assert model.sparsity_report[name].error == pytest.approx(float(s[8:].norm() / s.norm()), rel=1e-5)
        assert report[name].error == pytest.approx(model.sparsity_report[name].error, rel=1e-5)
    assert "error" in str(report)
    assert distance(model(x), expected) < 1.0
    whole = sparsify(nn.Sequential(Conv1D(24, 16)), {"*": "dense"}, project=True)
    assert whole.sparsity_report["0"].error == 0.0


def test_without_project_the_report_has_no_error() -> None:
    report = plan_sparsify(nn.Sequential(nn.Linear(16, 16)), {"*": "monarch"})
    assert report["0"].error is None
    assert "error" not in str(report)


def test_type_and_flags_are_kept() -> None:
    dense = nn.Linear(16, 16, bias=False, dtype=torch.bfloat16).eval().requires_grad_(False)
    layer = FabricLinear.from_dense(dense, via="monarch")
    assert layer.bias is None
    assert {weight.dtype for weight in layer.parameters()} == {torch.bfloat16}
    assert not any(weight.requires_grad for weight in layer.parameters())
    assert not layer.training


def test_other_layers_and_weights_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match=r"nn\.Linear"):
        FabricLinear.from_dense(nn.Conv2d(4, 4, 1), via="monarch")
    with pytest.raises(TypeError, match=r"nn\.Conv2d"):
        FabricConv2d.from_dense(nn.Linear(4, 4), via="monarch")
    with pytest.raises(ValueError, match="meta device"):
        sparsify(nn.Sequential(nn.Linear(16, 16, device="meta")), {"*": "monarch"}, project=True)
    broken = nn.Linear(16, 16)
    broken.weight.data[3, 4] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        FabricLinear.from_dense(broken, via="monarch")
