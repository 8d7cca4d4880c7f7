"""The cost model: work counted against closed forms, and predictions that behave."""

from __future__ import annotations

import pytest

import nfc
from nfc.lowering import Target, optimise
from nfc.lowering.cost import dense_estimate, estimate, prices, speedup
from nfc.lowering.fuse import fused
from nfc.lowering.work import UNITS, kernel_work, product_work
from nfc.source import Source
from tests.lowering.test_fuse import stage

RUNTIMES = ("torch", "onnxruntime")


def plan(size: int, via: str, shape: str | None = None):
    text = f"nf 1\nnetwork n {{ input {shape or size}; linear {size} bias=false via {via} }}"
    return nfc.load(Source("n.nf", text)).network.plan


def layer(size: int, via: str, target: Target, shape: str | None = None):
    (op,) = optimise(plan(size, via, shape), target).body
    return op


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_prices_are_of_known_units_and_none_pays(runtime: str) -> None:
    found = prices(runtime)
    assert set(found) == ({"forward", "training"} if runtime == "torch" else {"forward"})
    for by_unit in found.values():
        assert set(by_unit) == set(UNITS)
        assert all(price >= 0 for price in by_unit.values())


def test_the_work_of_a_stage() -> None:
    work = kernel_work(stage(8, 4, 6, 2), 96, Target(runtime="torch", batch=16))
    assert work["blocks.blocks"] == 8 * 2
    assert work["blocks.multiply_adds"] == 16 * (8 * 2) * 4 * 6
    assert work["blocks.weights"] == 8 * 4 * 6 * 2
    assert work["blocks.activations"] == 16 * (96 + 64)


def test_fusing_costs_what_it_writes_and_nothing_in_a_file() -> None:
    parts = [stage(4, 2, 2, 1), stage(2, 2, 2, 2), stage(1, 2, 2, 4)]
    work = kernel_work(fused(parts), 8, Target(runtime="torch"))
    assert (work["fuse.call"], work["fuse.weights"]) == (2, 2 * 16 + 64)
    assert not kernel_work(fused(parts), 8, Target(runtime="onnxruntime"))["fuse.weights"]


def test_a_dense_layer_is_its_own_twin() -> None:
    for runtime in RUNTIMES:
        target = Target(runtime=runtime)
        assert speedup(layer(512, "dense", target), target).forward == pytest.approx(1)


def test_only_torch_trains() -> None:
    assert dense_estimate(8, 8, Target(runtime="torch")).training is not None
    assert dense_estimate(8, 8, Target(runtime="onnxruntime")).training is None


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("via", ["dense", "butterfly", "monarch", "random(8)", "torus", "random(900)"])
def test_more_work_takes_no_less_time(runtime: str, via: str) -> None:
    batches = [Target(runtime=runtime, batch=batch) for batch in (1, 8, 64, 512)]
    by_batch = [estimate(layer(1024, via, target), target).forward for target in batches]
    assert by_batch == sorted(by_batch)
    if via != "random(900)":
        by_size = [
            estimate(layer(size, via, batches[2]), batches[2]).forward for size in (64, 256, 1024, 4096)
        ]
        assert by_size == sorted(by_size)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_training_takes_longer_than_its_forward_half(runtime: str) -> None:
    target = Target(runtime=runtime)
    for via in ("dense", "butterfly", "random(8)"):
        found = estimate(layer(1024, via, target), target)
        assert found.training is None or found.training > found.forward


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("via", ["butterfly", "monarch", "random(8)"])
def test_what_is_known_to_be_faster_is_predicted_faster(runtime: str, via: str) -> None:
    """The wins of the measured tables of research, by a wide margin at 4096."""
    target = Target(runtime=runtime, batch=256)
    assert speedup(layer(4096, via, target), target).forward > 4


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_leading_axes_count_as_batch(runtime: str) -> None:
    one, many = Target(runtime=runtime, batch=2), Target(runtime=runtime, batch=32)
    tall = product_work(layer(64, "butterfly", one, "[16, 64]"), one)
    assert tall == product_work(layer(64, "butterfly", many), many)
    assert speedup(layer(64, "dense", one, "[16, 64]"), one).forward == pytest.approx(1)


def test_a_target_is_checked() -> None:
    with pytest.raises(ValueError, match="runtime"):
        Target(runtime="onnx")
    with pytest.raises(ValueError, match="batch"):
        Target(runtime="torch", batch=0)
