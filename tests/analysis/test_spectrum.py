"""Spectral gaps against dense singular values, by every way that finds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import nfc
from nfc.analysis import spectrum
from nfc.analysis.errors import PropertyError
from nfc.analysis.scaled_counts import counted, scaled
from nfc.analysis.spectrum import ramanujan_gap, spectral_gap
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Kron
from tests.build import FABRICS, dense_pattern, edges_of
from tests.strategies import fabrics


def dense_gap(fabric: Fabric) -> float:
    counts = dense_pattern(fabric)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if not counts.size:
        return 0.0
    scaled = counts / np.sqrt(counts.sum(axis=1))[:, None] / np.sqrt(counts.sum(axis=0))
    values = np.linalg.svd(scaled, compute_uv=False)
    return 1.0 - (values[1] if len(values) > 1 else 0.0)


def dense_ramanujan_gap(fabric: Fabric) -> float:
    gaps = []
    for factor in factors(fabric):
        matrix = dense_pattern(factor)
        matrix = matrix[matrix.sum(axis=1) > 0][:, matrix.sum(axis=0) > 0]
        values = np.linalg.svd(matrix, compute_uv=False)
        bound = np.sqrt(matrix.sum(axis=1).mean() - 1) + np.sqrt(matrix.sum(axis=0).mean() - 1)
        gaps.append(bound - (values[1] if len(values) > 1 else 0.0))
    return min(gaps)


@settings(max_examples=100)
@given(fabrics())
def test_random_fabrics(fabric: Fabric) -> None:
    assert spectral_gap(fabric) == pytest.approx(dense_gap(fabric), abs=1e-9)
    if all(factor.edges for factor in factors(fabric)):
        assert ramanujan_gap(fabric) == pytest.approx(dense_ramanujan_gap(fabric), abs=1e-9)


WIDE = {
    "random": "random(fan_in=5, seed=1)",
    "small world": "small_world(fan_in=4, seed=1)",
    "expander": "expander(fan_in=3, depth=2, seed=4)",
    "torus": "cascade(2, torus)",
    "hypercube": "hypercube(depth=2)",
    "unlike branches": "random(fan_in=3, seed=2) + random(fan_in=2, seed=1) >> butterfly",
    "fitted": "cascade(2, hypercube)",
}


@pytest.mark.parametrize("name", WIDE)
def test_lanczos_agrees_with_dense_matrices(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fabric = nfc.topology(WIDE[name], rows=144, cols=144).ir
    monkeypatch.setattr(spectrum, "DENSE", 0)
    assert spectral_gap(fabric) == pytest.approx(dense_gap(fabric), abs=1e-5)
    assert ramanujan_gap(fabric) == pytest.approx(dense_ramanujan_gap(fabric), abs=1e-4)


def test_parts_without_a_common_input_have_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "DENSE", 0)
    half = (np.random.default_rng(0).random((30, 20)) < 0.3).astype(int)
    apart = np.block([[half, np.zeros_like(half)], [np.zeros_like(half), half[::-1]]])
    assert spectral_gap(edges_of(apart)) == 0.0


@pytest.mark.parametrize("text", ["butterfly", "monarch", "benes", "lowrank(rank=3)", "dense"])
def test_equal_path_counts_have_the_whole_gap(text: str) -> None:
    assert spectral_gap(nfc.topology(text, rows=64, cols=64).ir) == 1.0


def test_a_ring_has_its_cosine() -> None:
    ring = nfc.topology("band(wrap=true)", rows=2**18, cols=2**18).ir
    assert spectral_gap(ring) == pytest.approx((2 - 2 * np.cos(2 * np.pi / 2**18)) / 3, rel=1e-4)


def test_a_thousand_dense_layers_pass_no_float() -> None:
    deep = Cascade((*(Kron(1, 64, 64, 1),) * 1000, edges_of(np.eye(64) + np.eye(64, k=1))))
    assert spectral_gap(deep) == 1.0
    start = scaled(np.ones((64, 1)))
    assert counted(deep, start).exponent == pytest.approx(6001, abs=1)


def test_branches_of_unlike_depth_keep_their_ratio() -> None:
    deep = Cascade((Kron(1, 8, 8, 1),) * 30)
    both = Sum((deep, edges_of(np.eye(8))))
    found = counted(both, scaled(np.eye(8)))
    np.testing.assert_allclose(found.times_two_to(0), 8.0**29 + np.eye(8))


def test_what_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "DENSE", 0)
    monkeypatch.setattr(spectrum, "WORK", 1000)
    for measure in (spectral_gap, ramanujan_gap):
        with pytest.raises(PropertyError, match="would read and write") as raised:
            measure(nfc.topology("random(fan_in=5)", rows=144, cols=144).ir)
        assert raised.value.code == "NF506"


def test_every_kind_of_fabric_alone() -> None:
    for name, fabric in FABRICS.items():
        assert spectral_gap(fabric) == pytest.approx(dense_gap(fabric), abs=1e-9), name
