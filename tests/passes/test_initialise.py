"""The initialisation pass: which draws each layer gets, and what they do to signals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nfc.analysis.variance import edge_variances
from nfc.diagnostics import Sink
from nfc.ir.deviations import edge_std
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Factor, Kron, Restricted, Shifts
from nfc.ir.initial_weights import drawn_weights
from nfc.ir.interpreter import factor_matrix
from nfc.ir.network import SCHEMES, Draw, Linear, Network, Residual, weighted_layers
from nfc.ir.structure import endpoints
from nfc.ir.verify import verify
from nfc.passes.initialise import FEW_EDGES, Initialise, factor_targets
from tests.build import FABRICS, butterfly, edges_of, linear, network


def initialised(*layers: Linear) -> tuple[Network, Sink]:
    sink = Sink()
    return Initialise().run(network("test", layers), sink), sink


def draws_of(fabric: Fabric, scheme: str) -> tuple[list[tuple[Factor, Draw]], Sink]:
    result, sink = initialised(linear("linear1", fabric, scheme=scheme))
    (layer,) = weighted_layers(result)
    assert layer.draws is not None
    return list(zip(factors(fabric), layer.draws, strict=True)), sink


def variance_matrix(factor: Factor, draw: Draw) -> np.ndarray:
    matrix = np.zeros(factor.shape)
    matrix[endpoints(factor)] = edge_variances(factor, draw)
    return matrix


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FABRICS)
def test_every_factor_has_one_draw_in_order(name: str, scheme: str) -> None:
    pairs, _ = draws_of(FABRICS[name], scheme)
    assert [draw.stream for _, draw in pairs] == list(range(len(pairs)))
    verify(
        network("test", (replace(linear("linear1", FABRICS[name]), draws=tuple(draw for _, draw in pairs)),))
    )


def test_streams_count_factors_through_the_network_projections_first() -> None:
    project, body = linear("r1.project", Kron(1, 8, 8, 1)), linear("r1.a", butterfly(8))
    residual = Residual(path="r1", input=(8,), output=(8,), body=(body,), project=project)
    result = Initialise().run(network("test", (linear("a", butterfly(8)), residual)), Sink())
    streams = [[draw.stream for draw in layer.draws or ()] for layer in weighted_layers(result)]
    assert streams == [[0, 1, 2], [3], [4, 5, 6]]


def test_a_wide_butterfly_is_one_number_a_factor() -> None:
    pairs, _ = draws_of(butterfly(2**20), "kaiming")
    assert [draw.std for _, draw in pairs] == [pytest.approx(0.5**0.5)] * 20


def test_equal_fabrics_share_their_tables() -> None:
    fabric = edges_of(np.tril(np.ones((6, 6), int)))
    result, _ = initialised(linear("a", fabric), linear("b", fabric))
    first, second = (layer.draws for layer in weighted_layers(result))
    assert first is not None
    assert second is not None
    assert first[0].std is second[0].std


def test_a_sum_shares_the_target_in_the_last_factors_of_its_branches() -> None:
    dense, diagonal = Kron(1, 8, 8, 1), Kron(8, 1, 1, 1)
    fabric = Cascade((dense, Sum((Cascade((dense, diagonal)), Sum((diagonal, diagonal)), diagonal))))
    assert list(factor_targets(fabric, 6.0)) == [1.0, 1.0, 2.0, 1.0, 1.0, 2.0]


def test_a_branch_that_misses_an_output_leaves_it_to_the_others() -> None:
    half = Restricted(Kron(4, 1, 1, 1), np.array([True, True, False, False]), np.ones(4, bool))
    first, second = factor_targets(Sum((half, Kron(4, 1, 1, 1))), 1.0)
    assert np.asarray(first).tolist() == [0.5, 0.5, 0.0, 0.0]
    assert np.asarray(second).tolist() == [0.5, 0.5, 1.0, 1.0]
    pairs, _ = draws_of(Sum((half, Kron(4, 1, 1, 1))), "balanced")
    total = sum(variance_matrix(factor, draw).sum(axis=1) for factor, draw in pairs)
    np.testing.assert_allclose(total, 1.0)


@pytest.mark.parametrize("name", ["dense", "block", "strided", "blocks", "butterfly", "sum", "restricted"])
def test_block_wise_fabrics_are_drawn_orthogonal(name: str) -> None:
    pairs, sink = draws_of(FABRICS[name], "orthogonal")
    assert {draw.distribution for _, draw in pairs} == {"orthogonal"}
    assert not sink.diagnostics


def test_square_orthogonal_blocks_are_isometric() -> None:
    pairs, _ = draws_of(butterfly(8), "orthogonal")
    assert [draw.std for _, draw in pairs] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["torus", "fan_in", "edges"])
def test_other_factors_fall_back_to_balanced_with_a_warning(name: str) -> None:
    pairs, sink = draws_of(FABRICS[name], "orthogonal")
    expected, _ = draws_of(FABRICS[name], "balanced")
    assert {diagnostic.code for diagnostic in sink.diagnostics} == {"NF450"}
    assert not sink.failed
    for (factor, draw), (_, other) in zip(pairs, expected, strict=True):
        assert draw.distribution == other.distribution == "sign"
        np.testing.assert_array_equal(edge_std(factor, draw.std), edge_std(factor, other.std))


def circulant(fan_in: int) -> Factor:
    return Shifts((64,), tuple((offset,) for offset in range(fan_in)))


@pytest.mark.parametrize(
    ("factor", "distribution"),
    [
        (Kron(8, 1, 1, 1), "sign"),
        (Kron(1, 1, FEW_EDGES, 2), "sign"),
        (Kron(1, FEW_EDGES, 1, 2), "sign"),
        (Kron(4, 2, 2, 2), "orthogonal"),
        (Kron(1, 2, FEW_EDGES, 1), "orthogonal"),
        (Kron(1, FEW_EDGES, FEW_EDGES, 1), "orthogonal"),
        (Kron(1, FEW_EDGES + 1, 2, 1), "sign"),
        (Kron(1, FEW_EDGES + 1, FEW_EDGES + 1, 1), "uniform"),
        (Restricted(Kron(2, 3, 3, 1), np.arange(6) < 5, np.arange(4) < 4), "orthogonal"),
        (circulant(FEW_EDGES), "sign"),
        (circulant(FEW_EDGES + 1), "uniform"),
    ],
    ids=repr,
)
def test_balanced_draws_by_the_number_of_edges(factor: Factor, distribution: str) -> None:
    ((_, draw),), _ = draws_of(factor, "balanced")
    assert draw.distribution == distribution
    np.testing.assert_allclose(variance_matrix(factor, draw).sum(axis=1)[factor.fan_in() > 0], 1.0)


@pytest.mark.parametrize("scheme", ["xavier", "kaiming", "dense_xavier"])
@pytest.mark.parametrize("name", FABRICS)
def test_other_schemes_draw_evenly(name: str, scheme: str) -> None:
    pairs, _ = draws_of(FABRICS[name], scheme)
    assert {draw.distribution for _, draw in pairs} == {"uniform"}


def test_rows_of_blocks_keep_targets_of_their_own() -> None:
    """In a sum, outputs that one branch misses are left to the other, whose blocks have unequal rows."""
    half = Restricted(Kron(4, 1, 1, 1), np.array([True, True, False, False]), np.ones(4, bool))
    pairs, _ = draws_of(Sum((half, Kron(2, 2, 2, 1))), "balanced")
    assert [draw.distribution for _, draw in pairs] == ["sign", "orthogonal"]
    squares = [np.square(factor_matrix(f, drawn_weights(f, draw, 3))).sum(axis=1) for f, draw in pairs]
    np.testing.assert_allclose(squares, [[0.5, 0.5, 0, 0], [0.5, 0.5, 1, 1]], rtol=1e-6)


def cascade_of(fabric: Fabric, seed: int) -> np.ndarray:
    """The dense product of a layer's drawn weights, float64."""
    pairs, _ = draws_of(fabric, "orthogonal")
    product = np.eye(fabric.cols)
    for factor, draw in pairs:
        product = factor_matrix(factor, drawn_weights(factor, draw, seed)).astype(np.float64) @ product
    return product


def test_an_orthogonal_butterfly_of_a_thousand_factors_is_an_isometry() -> None:
    fabric = Cascade(tuple(part for _ in range(200) for part in butterfly(32).parts))  # type: ignore[union-attr]
    assert len(fabric.parts) == 1000
    np.testing.assert_allclose(np.linalg.svd(cascade_of(fabric, 3), compute_uv=False), 1.0, rtol=1e-4)


@pytest.mark.parametrize(
    "fabric",
    [
        Cascade((Kron(4, 16, 16, 1), Kron(1, 16, 4, 16))),
        Cascade((Kron(16, 16, 16, 1), Kron(1, 4, 16, 16))),
        Cascade((Restricted(Kron(16, 16, 16, 1), np.ones(64, bool), np.ones(64, bool)), Kron(1, 16, 4, 16))),
    ],
    ids=["64 to 256", "256 to 64", "64 to 256, cut"],
)
def test_orthogonal_monarchs_between_two_widths_are_isometries(fabric: Fabric) -> None:
    """A wide one keeps lengths; a tall one stretches them, so that outputs have the inputs' second moment."""
    values = np.linalg.svd(cascade_of(fabric, 3), compute_uv=False)
    np.testing.assert_allclose(values, max(1.0, fabric.rows / fabric.cols) ** 0.5, rtol=1e-4)


def test_a_warning_names_the_inputs_far_out_of_balance() -> None:
    star = np.vstack([np.eye(60, 41, dtype=int)[:, ::-1], np.eye(41, dtype=int)])
    star[:60] = 0
    star[:60, 7] = 1
    _, sink = draws_of(edges_of(star), "balanced")
    (warning,) = sink.diagnostics
    assert warning.code == "NF451"
    assert "input 7 gets" in warning.message
