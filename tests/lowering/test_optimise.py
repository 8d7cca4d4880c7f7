"""Choosing kernels changes how products are computed, and nothing else."""

from __future__ import annotations

from itertools import product as pairs
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import nfc
from nfc.backends.numpy_interpreter import run_plan
from nfc.ir.factors import Blocks, Kron
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Residual
from nfc.lowering import Target, lower, optimise
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.fuse import digits, fused
from nfc.lowering.kernels import block_kernels, weighted_kernels
from nfc.lowering.kernels import product as as_kernel
from nfc.lowering.optimise import optimised
from nfc.lowering.plan import (
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    Edgewise,
    Fused,
    Neighbours,
    Scattered,
    Sparse,
)
from nfc.source import Source
from tests.build import butterfly, dense_pattern, input_values
from tests.build import network as by_hand
from tests.lowering.test_fuse import stage
from tests.lowering.test_kernels import layer
from tests.strategies import networks

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.nf"))
TARGETS = [
    Target(runtime=runtime, batch=batch, fuse=fuse, backward=backward)
    for runtime, batch, fuse, backward in pairs(
        ["torch", "onnxruntime"], [1, 64], [True, False], [True, False]
    )
]


def network(size: int, via: str) -> nfc.Network:
    text = f"nf 1\nnetwork n {{ input {size}; linear {size} bias=false via {via} }}"
    return nfc.load(Source("n.nf", text)).network


def kernel(size: int, via: str, **target):
    (op,) = optimise(network(size, via).plan, Target(**target)).body
    return op.kernel


def parameters(plan):
    return [(k.weight.name, k.weight.shape, k.weight.draw.stream) for k in block_kernels(plan.body)]


def stages(size: int, radix: int = 2, order: int = 1) -> Chain:
    strides = [radix**k for k in range(20) if radix**k < size]
    parts = [stage(size // (radix * s), radix, radix, s, f"w{s}") for s in strides]
    return Chain(tuple(parts[::order]))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_computes_the_same(path: Path) -> None:
    for each in nfc.load(path).networks.values():
        plan, weights = lower(each.ir), initial_weights(each.ir, 0)
        value = input_values(each.ir, 3)
        expected = run_plan(plan, weights, value)
        for target in TARGETS:
            chosen = optimise(plan, target)
            assert parameters(chosen) == parameters(plan)
            np.testing.assert_allclose(run_plan(chosen, weights, value), expected, atol=1e-5)


@given(networks(with_draws=True))
def test_parameters_stay_as_they_are(drawn) -> None:
    plan = lower(drawn)
    for target in TARGETS[:2]:
        assert parameters(optimise(plan, target)) == parameters(plan)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_a_butterfly_is_cut_into_groups_that_keep_every_path(runtime: str, order: int) -> None:
    chain = stages(1024, order=order)
    chosen = optimised(chain, Target(runtime=runtime))
    assert any(isinstance(group, Fused) for group in chosen.parts)
    groups = [group.parts if isinstance(group, Fused) else (group,) for group in chosen.parts]
    assert tuple(part for group in groups for part in group) == chain.parts
    found = np.eye(1024)
    for group in chosen.parts:
        found = dense_pattern(Kron(*digits(group))) @ found
    assert (found == 1).all()


def test_the_cut_is_the_cheapest_of_all() -> None:
    """Dynamic programming against every way to cut eight stages."""
    chain, target = stages(256), Target(runtime="torch", batch=32)
    chosen = sum(kernel_seconds(group, target) for group in optimised(chain, target).parts)
    costs = []
    for cuts in pairs([False, True], repeat=7):
        ends = [place for place, cut in enumerate(cuts, start=1) if cut]
        groups = [chain.parts[a:b] for a, b in zip([0, *ends], [*ends, 8], strict=True)]
        alone = [group[0] if len(group) == 1 else fused(group) for group in groups]
        costs.append(sum(kernel_seconds(group, target) for group in alone))
    assert chosen == pytest.approx(min(costs))


def test_no_fusing_leaves_stages_apart() -> None:
    chain = stages(256)
    assert optimised(chain, Target(runtime="torch", fuse=False)) == chain


def test_what_stands_between_stages_parts_them() -> None:
    kernels = kernel(256, "(butterfly + diagonal) >> butterfly", runtime="onnxruntime")
    assert isinstance(kernels, Chain)
    first, *rest = kernels.parts
    assert not isinstance(first, Fused)
    assert all(isinstance(part, Fused | Blocked) for part in rest)


def test_blocks_that_do_not_nest_stay_apart() -> None:
    kernels = kernel(24, "block(4) >> block(6)", runtime="onnxruntime")
    assert [type(part) for part in kernels.parts] == [Blocked, Blocked]


def test_a_projection_is_optimised_too() -> None:
    body, project = (layer(butterfly(64), path) for path in ("residual1.linear1", "residual1.project"))
    residual = Residual(path="residual1", input=(64,), output=(64,), body=(body,), project=project)
    (op,) = optimise(lower(by_hand("n", (residual,))), Target(runtime="onnxruntime")).body
    assert isinstance(op, Residual)
    for product in (op.project, *op.body):
        assert any(isinstance(part, Fused) for part in product.kernel.parts)


def test_leading_axes_count_as_batch() -> None:
    flat = nfc.load(Source("n.nf", "nf 1\nnetwork n { input 1024; linear 1024 via random(20) }")).network
    tall = nfc.load(
        Source("n.nf", "nf 1\nnetwork n { input [256, 1024]; linear 1024 via random(20) }")
    ).network
    for runtime in ("torch", "onnxruntime"):
        (many,) = optimise(flat.plan, Target(runtime=runtime, batch=256)).body
        (one,) = optimise(tall.plan, Target(runtime=runtime, batch=1)).body
        assert type(one.kernel) is type(many.kernel)


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_density_decides_whether_edges_become_a_matrix(runtime: str) -> None:
    kinds = [type(kernel(1024, f"random({k})", runtime=runtime)) for k in (8, 900)]
    assert kinds == [Neighbours, Scattered]


def test_a_matrix_beyond_the_limit_is_never_made() -> None:
    plan = network(256, "random(40)").plan
    (op,) = optimise(plan, Target(runtime="onnxruntime", dense_limit=4 * 256 * 256)).body
    assert isinstance(op.kernel, Scattered)
    (op,) = optimise(plan, Target(runtime="onnxruntime", dense_limit=4 * 256 * 256 - 1)).body
    assert isinstance(op.kernel, Neighbours | Clustered)
    (op,) = optimise(network(256, "random(250)").plan, Target(runtime="onnxruntime", dense_limit=1)).body
    assert isinstance(op.kernel, Scattered), "gathering would store more than the matrix"


def test_without_gathers_kernels_without_structure_are_matrices_within_the_limit() -> None:
    plan, limit = network(256, "random(4)").plan, 4 * 256 * 256
    (op,) = optimise(plan, Target(runtime="onnxruntime", gathers=False)).body
    assert isinstance(op.kernel, Scattered)
    (op,) = optimise(plan, Target(runtime="onnxruntime", gathers=False, dense_limit=limit - 1)).body
    assert isinstance(op.kernel, Neighbours | Clustered)


def test_torch_has_no_clusters() -> None:
    assert isinstance(kernel(1024, "band(4)", runtime="torch"), Sparse)


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
@pytest.mark.parametrize(("size", "edgewise"), [(4, True), (64, False)])
def test_small_block_sets_run_by_edges_in_torch(runtime: str, size: int, edgewise: bool) -> None:
    random = np.random.default_rng(0)
    sets = [np.sort(random.permutation(4096).reshape(-1, size), axis=1) for _ in range(2)]
    written = as_kernel(layer(Blocks(*sets))).kernel
    assert isinstance(written, BlockSets)
    chosen = optimised(written, Target(runtime=runtime))
    expected = Edgewise if edgewise and runtime == "torch" else BlockSets
    assert isinstance(chosen, expected)
    assert list(weighted_kernels(chosen)) == [written]
