"""Controllability: closed forms against singular values, the optimiser and brute force; its error; refusals."""

from __future__ import annotations

import tracemalloc
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings

import nfc
from nfc.analysis.controllability import Estimate, controllability, mean_controllability
from nfc.analysis.controllability.bounds import bounded, lower_bound, upper_bound
from nfc.analysis.controllability.optimised import (
    FEWEST,
    STEPS,
    STREAM,
    gain_to_come,
    optimised,
    plan,
    spread_of_targets,
    work,
)
from nfc.analysis.controllability.patches import patches
from nfc.analysis.controllability.proxy import by_proxy, foretold
from nfc.analysis.controllability.reduction import reduced
from nfc.analysis.controllability.shapes import block_shapes
from nfc.analysis.controllability.targets import block_energies, target
from nfc.analysis.errors import PropertyError
from nfc.analysis.freedom import freedom
from nfc.analysis.properties import fabric_properties
from nfc.ir.fabric import Cascade, Fabric, Sum, edge_count
from nfc.ir.factors import Edges, FanIn, Kron
from tests.build import FABRICS, butterfly, dense_pattern
from tests.strategies import fabrics


def built(text: str, rows: int, cols: int) -> Fabric:
    return nfc.topology(text, rows, cols).ir


def agree(found: Estimate, other: Estimate, errors: float = 4.0, slack: float = 2e-3) -> None:
    assert abs(found.mean - other.mean) <= errors * hypot(found.stderr, other.stderr) + slack


# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "cols"), [(5, 5), (7, 3), (3, 7), (1, 1)])
def test_targets_have_orthonormal_rows_or_columns(rows: int, cols: int) -> None:
    matrix = target(rows, cols, 0, 1)
    small = matrix.T @ matrix if rows >= cols else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(min(rows, cols)), atol=1e-12)
    assert not np.allclose(matrix, target(rows, cols, 1, 1))


@pytest.mark.parametrize(
    ("height", "width", "size"), [(4, 4, 16), (3, 9, 12), (9, 3, 12), (7, 8, 10), (1, 1, 5)]
)
def test_sampled_blocks_are_those_of_targets(height: int, width: int, size: int) -> None:
    frames, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((1500, size, size)))
    cut = np.linalg.svd(frames[:, :height, :width], compute_uv=False)[:, ::-1] ** 2
    sampled = block_energies(height, width, size, 1500, 0, 0)
    error = np.hypot(cut.std(axis=0), sampled.std(axis=0)) / np.sqrt(1500)
    assert (np.abs(cut.mean(axis=0) - sampled.mean(axis=0)) <= 4.5 * error + 1e-9).all()


# --- closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows", "cols", "expected"),
    [
        ("dense", 40, 64, 1.0),
        ("random(fan_in=3)", 64, 40, 3 / 40),
        ("torus", 64, 64, 5 / 64),
        ("lowrank(rank=5)", 100, 40, 5 / 40),
        ("parallel(2, lowrank(rank=5))", 40, 100, 10 / 40),
        ("lowrank(rank=50)", 40, 100, 1.0),
        ("diagonal >> random(fan_in=4) >> permute(\"reverse\") >> diagonal", 64, 64, 4 / 64),
        ("block(size=4) >> block(size=16)", 64, 64, 16 / 64),
        ("dense >> butterfly", 64, 64, 1.0),
        ("torus >> dense(width=32) >> block(size=4)", 32, 32, 1.0),
        ("butterfly + dense", 32, 32, 1.0),
        ("random(fan_in=3, seed=1) + block(size=4)", 64, 64, None),
        ("butterfly(radices=[2, 2])", 4, 4, None),
    ],
)  # fmt: skip
def test_closed_forms(text: str, rows: int, cols: int, expected: float | None) -> None:
    fabric = built(text, rows, cols)
    found = controllability(fabric)
    if expected is None:
        agree(found, optimised(fabric, 6, 1))
    else:
        assert found == Estimate(pytest.approx(expected), 0.0, "closed form")


@pytest.mark.parametrize(
    ("text", "rows", "cols", "expected"),
    [
        ("monarch", 256, 64, 0.204),
        ("monarch", 64, 256, 0.427),
        ("monarch", 200, 100, 0.238),
        ("butterfly(radix=16)", 256, 256, 0.203),
        ("parallel(2, butterfly(radix=16))", 256, 256, 0.369),
        ("lowrank(rank=8)", 256, 256, 0.031),
    ],
)
def test_reference_values(text: str, rows: int, cols: int, expected: float) -> None:
    """Measured by masked dense training on one target each, so they carry an error of their own."""
    found = controllability(built(text, rows, cols))
    assert found.method in ("closed form", "singular values")
    assert abs(found.mean - expected) < 0.006


PAIRS = {
    "monarch": ("monarch", 36, 36),
    "two radices": ("butterfly(radices=[3, 8])", 24, 24),
    "wide": ("monarch", 16, 48),
    "tall": ("monarch", 48, 16),
    "fitted": ("monarch", 30, 20),
    "block, then strided block": ("block(size=4) >> permute(\"shuffle\", radix=8) >> block(size=4)", 32, 32),
    "copies": ("parallel(2, monarch)", 36, 36),
    "direct sum": ("direct_sum(monarch, monarch)", 32, 32),
    "through a wider middle": ("butterfly(radices=[4, 4], block=2)", 32, 32),
    "diagonals between": ("diagonal >> butterfly(radices=[4, 8]) >> diagonal", 32, 32),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_singular_values_equal_the_optimiser(name: str) -> None:
    text, rows, cols = PAIRS[name]
    fabric = built(text, rows, cols)
    found = controllability(fabric)
    assert found.method == "singular values"
    agree(found, optimised(fabric, 8, 3))


@settings(max_examples=60, deadline=None)
@given(fabrics())
def test_shapes_of_block_factors_are_those_of_their_patches(fabric: Fabric) -> None:
    shapes = block_shapes(fabric)
    if shapes is None:
        return
    full = patches(fabric).shapes
    for name in ("heights", "widths"):
        assert sorted(getattr(shapes, name)) == sorted(getattr(full, name))
    least = np.minimum(shapes.heights, shapes.widths)
    assert sorted(np.minimum(shapes.ranks, least)) == sorted(full.ranks)


def test_patches_take_what_they_say_of_one_target() -> None:
    """The best matrix of two factors from its sub-blocks, against the optimiser on it."""
    fabric = built("monarch", 16, 16)
    found = patches(fabric)
    matrix = target(16, 16, 0, 2 * STREAM)
    energy = 0.0
    for patch in range(len(found.ranks)):
        outputs = found.outputs.col[found.outputs.row == patch]
        inputs = found.inputs.col[found.inputs.row == patch]
        values = np.linalg.svd(matrix[np.ix_(outputs, inputs)], compute_uv=False)
        energy += float((values[: found.ranks[patch]] ** 2).sum())
    assert optimised(fabric, 1, 0).mean == pytest.approx(energy / 16, abs=2e-4)


def test_overlapping_patches_are_left_to_the_optimiser() -> None:
    for text in (
        "butterfly",
        "cascade(2, random(fan_in=3, seed=1))",
        "clos(inputs=4)",
        "monarch + block(size=4)",
    ):
        assert patches(reduced(built(text, 16, 16))) is None
        assert controllability(built(text, 16, 16), targets=1).method == "optimised"


@settings(max_examples=25, deadline=None)
@given(fabrics())
def test_any_fabric_is_measured_alike_with_and_without_closed_forms(fabric: Fabric) -> None:
    found = controllability(fabric, targets=2)
    if found.method == "optimised":
        return
    direct = optimised(fabric, 4, 5)
    # Few targets of small widths spread, and local minima lie below: the optimiser never passes far above.
    assert direct.mean <= found.mean + 5 * hypot(found.stderr, direct.stderr) + 0.25 / min(
        fabric.rows, fabric.cols
    )


@settings(max_examples=60, deadline=None)
@given(fabrics())
def test_reduction_keeps_the_wiring(fabric: Fabric) -> None:
    small = reduced(fabric)
    assert (small.rows, small.cols) == (fabric.rows, fabric.cols)
    assert edge_count(small) <= max(edge_count(fabric), fabric.rows * fabric.cols)
    # What is attainable after was reachable before: no new input-output pair.
    assert not ((dense_pattern(small) > 0) & (dense_pattern(fabric) == 0)).any()


# --- the optimiser -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width", "least"),
    [
        ("butterfly", 32, 0.3),
        ("hypercube(depth=2)", 32, 0.3),
        ("cascade(2, random(fan_in=8, seed=1))", 48, 0.4),
    ],
)
def test_starts_agree_within_the_standard_error(text: str, width: int, least: float) -> None:
    first, second = (optimised(built(text, width, width), 3, seed) for seed in (0, 1))
    agree(first, second, errors=3.0, slack=0.0)
    assert min(first.mean, second.mean) > least
    assert 0 < first.stderr < 0.02


def test_estimates_depend_on_the_seed_alone() -> None:
    for text in ("butterfly", "monarch"):
        fabric = built(text, 16, 16)
        assert controllability(fabric, seed=3) == controllability(fabric, seed=3)
        assert controllability(fabric, seed=3) != controllability(fabric, seed=4)


def test_a_transposed_fabric_has_the_same_controllability() -> None:
    agree(
        controllability(built("butterfly", 24, 16)),
        controllability(built("transpose(butterfly)", 16, 24)),
        slack=0.01,
    )


# --- odd fabrics -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_lies_between_nothing_and_all(name: str) -> None:
    found = controllability(FABRICS[name])
    assert 0 < found.mean <= 1
    assert np.isfinite(found.stderr)


@pytest.mark.parametrize(
    ("fabric", "expected"),
    [
        (Kron(1, 1, 1, 1), 1.0),
        (Cascade((Kron(1, 1, 1, 1),) * 3), 1.0),
        (Kron(1, 1, 7, 1), 1.0),
        (Cascade((Kron(1, 1, 5, 1), Kron(1, 7, 1, 1))), 0.2),
        (Edges(4, np.array([0, 0, 2]), np.array([0, 3])), 0.25),
        (Edges(4, np.array([0, 0, 0]), np.array([], np.int64)), 0.0),
        (Cascade((Edges(4, np.array([0, 0, 2]), np.array([0, 3])), Kron(2, 1, 1, 1))), 0.25),
        (Sum((Kron(3, 1, 1, 1), FanIn(3, np.array([[1], [2], [0]])))), 2 / 3),
    ],
)
def test_odd_fabrics(fabric: Fabric, expected: float) -> None:
    assert controllability(fabric) == Estimate(pytest.approx(expected), 0.0, "closed form")


# --- cost --------------------------------------------------------------------------------------


def test_no_dense_matrix_for_wide_closed_forms() -> None:
    width = 2**16
    fabric = built("monarch", width, width)
    tracemalloc.start()
    found = controllability(fabric, targets=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.014 < found.mean < 0.016
    assert peak < width * width / 64


def test_what_would_take_minutes_is_refused() -> None:
    with pytest.raises(PropertyError, match="would take minutes") as caught:
        controllability(butterfly(2**14))
    assert caught.value.code == "NF506"
    with pytest.raises(PropertyError):
        fabric_properties(butterfly(2**14))["controllability"]


def only_up_to(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the optimiser afford no more, as if its budget were smaller."""
    monkeypatch.setattr(
        "nfc.analysis.controllability.is_affordable", lambda fabric, budget=0: fabric.cols <= width
    )


def test_a_proxy_foretells_what_the_optimiser_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    only_up_to(64, monkeypatch)
    asked: list[tuple[int, int]] = []

    def smaller(rows: int, cols: int) -> Fabric:
        asked.append((rows, cols))
        if rows == 128:
            raise ValueError("not at this size")
        return butterfly(rows)

    found = controllability(butterfly(256), targets=1, smaller=smaller)
    assert found.method == "proxy"
    assert asked == [(128, 128), (64, 64), (32, 32), (16, 16)]
    agree(found, optimised(butterfly(256), 1, 0), errors=2.0, slack=0.0)
    assert found.stderr > 0


@pytest.mark.parametrize(
    "text",
    ["random(fan_in=5, seed=1) >> random(fan_in=5, seed=2)", "torus(dims=1, depth=3)", "hypercube(depth=2)"],
)
def test_a_proxy_s_error_is_honest(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fabric = nfc.topology(text, 128, 128)
    only_up_to(64, monkeypatch)
    found = controllability(fabric.ir, targets=1, smaller=fabric._smaller)
    assert found.method == "proxy"
    agree(found, optimised(fabric.ir, 1, 0), errors=2.0, slack=0.0)
    assert found.stderr < 0.3 * found.mean


def test_a_proxy_is_exact_on_its_own_curve() -> None:
    def curve(size: float) -> float:
        return float(np.sqrt(1 - np.exp(-((30 / 2**size) ** 1.4))))

    assert foretold((7, curve(7)), (6, curve(6)), 10) == pytest.approx(curve(10))
    assert foretold((6, 1.0), (5, 1.0), 10) == pytest.approx(1.0, abs=1e-5)


def widths_of(text: str, width: int) -> list[int]:
    """Those that stand in for a width, were every one affordable."""
    fabric = nfc.topology(text, width, width)
    measured: list[int] = []

    def measure(each: Fabric) -> Estimate:
        measured.append(each.cols)
        return Estimate(min(1.0, 10 / each.cols), 0.0, "optimised")

    by_proxy(fabric.ir, fabric._smaller, measure, lambda _: True)
    return measured


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("torus(depth=2)", 1024, [256, 64]),  # 512 and 128 are no squares, and cut from 529 and 144
        ("random(fan_in=16) >> random(fan_in=16)", 512, [256, 128]),  # at 64 it has half of all weights
        ("block(count=64) >> permute(\"shuffle\", radix=4) >> block(count=64) >> torus(dims=1)", 512, [256, 128, 64]),
        ("butterfly", 1024, [512, 256, 128]),
    ],
)  # fmt: skip
def test_widths_at_which_a_family_is_another_do_not_stand_in(
    text: str, width: int, expected: list[int]
) -> None:
    assert widths_of(text, width) == expected


def test_what_has_no_smaller_self_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    only_up_to(8, monkeypatch)
    fabric = nfc.topology("radix_net(systems=[[4, 4, 4]])", 64, 64)
    with pytest.raises(PropertyError, match="would take minutes"):
        controllability(fabric.ir, smaller=fabric._smaller)


# --- few steps ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["butterfly", "torus(depth=4)", "cascade(3, random(fan_in=6))", "benes"])
def test_few_steps_and_their_foretold_gain_agree_with_many(text: str) -> None:
    fabric = built(text, 128, 128)
    budget = FEWEST * work(fabric)
    assert plan(fabric, 3, budget) == (1, FEWEST)
    short, long = optimised(fabric, 1, 0, budget), optimised(fabric, 1, 0)
    agree(short, long, errors=2.0, slack=0.0)
    assert short.stderr < 0.1 * short.mean


def test_more_targets_take_more_time_not_fewer_steps() -> None:
    fabric = built("butterfly", 64, 64)
    assert plan(fabric, 3) == (3, STEPS)
    assert plan(fabric, 40) == (40, STEPS)
    assert plan(fabric, 3, 2 * STEPS * work(fabric)) == (2, STEPS)
    assert plan(fabric, 3, 1) == (1, FEWEST)


def test_gains_that_halve_with_each_doubling_are_summed() -> None:
    losses = [1.0 / step for step in range(1, 76)]
    to_come = 1 / 75 - 1 / 300
    assert gain_to_come(losses) == pytest.approx(to_come, rel=0.03)
    assert gain_to_come([1.0] * 100) == 0.0
    assert gain_to_come([1.0 / step for step in range(1, STEPS + 1)]) == 0.0


def test_targets_of_a_subspace_spread_as_foretold() -> None:
    fabric = built("random(fan_in=3, seed=1)", 24, 24)
    held = dense_pattern(fabric) > 0
    shares = [float((target(24, 24, 0, stream)[held] ** 2).sum()) / 24 for stream in range(400)]
    assert np.std(shares) == pytest.approx(spread_of_targets(3 / 24, fabric), rel=0.15)


# --- bounds ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(fabrics())
def test_bounds_hold_for_what_the_optimiser_reaches(fabric: Fabric) -> None:
    least, most = lower_bound(fabric), upper_bound(fabric)
    assert 0.0 <= least <= most + 1e-12 <= 1.0 + 1e-12
    found = optimised(fabric, 8, 7)
    sampling = 4 * spread_of_targets(0.5, fabric) / np.sqrt(8) + 1e-3
    assert found.mean <= most + sampling
    assert found.mean + 4 * found.stderr + sampling >= least


@pytest.mark.parametrize(
    ("text", "rows", "cols", "least", "most"),
    [
        ("block(size=4) >> block(size=4) >> block(size=4)", 16, 16, 4 / 16, 4 / 16),  # blocks never meet
        ("torus(dims=1) >> dense(width=3) >> torus(dims=1)", 16, 16, 0.0, 3 / 16),  # three neurons carry all
        ("torus(dims=1) >> random(fan_in=6, seed=1)", 16, 16, 6 / 16, 1.0),  # the first can be a permutation
        ("torus(dims=1) + block(size=8)", 16, 16, 8 / 16, 1.0),
        ("dense", 5, 9, 1.0, 1.0),
    ],
)
def test_bounds_of_some(text: str, rows: int, cols: int, least: float, most: float) -> None:
    fabric = built(text, rows, cols)
    assert lower_bound(fabric) >= least
    assert upper_bound(fabric) <= most + 1e-12


def test_estimates_keep_to_the_bounds_and_so_do_their_errors() -> None:
    fabric = built("torus(dims=1) >> dense(width=3) >> torus(dims=1)", 16, 16)
    assert bounded(Estimate(0.9, 0.5, "proxy"), fabric) == Estimate(3 / 16, 3 / 16, "proxy")
    inside = Estimate(0.1, 0.01, "proxy")
    assert bounded(inside, fabric) == inside


def test_freedom_is_no_bound() -> None:
    monarch = built("monarch", 64, 64)
    assert controllability(monarch).mean > 0.35 > freedom(monarch) / 64**2


def test_the_property_is_the_default_estimate() -> None:
    fabric = butterfly(16)
    assert fabric_properties(fabric)["controllability"] == controllability(fabric).mean
    assert mean_controllability(fabric) == controllability(fabric).mean
