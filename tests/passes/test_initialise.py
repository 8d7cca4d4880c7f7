"""The initialisation pass: which draws each layer gets, and what they do to signals."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.diagnostics import Sink
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Factor, Kron, Restricted
from nfc.ir.network import SCHEMES, Draw, Linear, Network, Residual, linear_layers
from nfc.passes.initialise import Initialise, factor_targets
from tests.build import FABRICS, butterfly, edges_of, linear, network


def initialised(*layers: Linear) -> tuple[Network, Sink]:
    sink = Sink()
    return Initialise().run(network("test", layers), sink), sink


def draws_of(fabric: Fabric, scheme: str) -> tuple[list[tuple[Factor, Draw]], Sink]:
    result, sink = initialised(linear("linear1", fabric, scheme=scheme))
    (layer,) = linear_layers(result)
    assert layer.draws is not None
    return list(zip(factors(fabric), layer.draws, strict=True)), sink


def variance_matrix(factor: Factor, draw: Draw) -> np.ndarray:
    indptr, indices = factor.arrays()
    matrix = np.zeros(factor.shape)
    matrix[np.repeat(np.arange(factor.rows), np.diff(indptr)), indices] = np.square(draw.std)
    return matrix


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FABRICS)
def test_every_factor_has_one_draw_in_order(name: str, scheme: str) -> None:
    pairs, _ = draws_of(FABRICS[name], scheme)
    assert [draw.stream for _, draw in pairs] == list(range(len(pairs)))
    for factor, draw in pairs:
        assert isinstance(draw.std, float) or draw.std.shape == (factor.edges,)


def test_streams_count_factors_through_the_network_projections_first() -> None:
    project, body = linear("r1.project", Kron(1, 8, 8, 1)), linear("r1.a", butterfly(8))
    residual = Residual(path="r1", input=(8,), output=(8,), body=(body,), project=project)
    result = Initialise().run(network("test", (linear("a", butterfly(8)), residual)), Sink())
    streams = [[draw.stream for draw in layer.draws or ()] for layer in linear_layers(result)]
    assert streams == [[0, 1, 2], [3], [4, 5, 6]]


def test_a_wide_butterfly_is_one_number_a_factor() -> None:
    pairs, _ = draws_of(butterfly(2**20), "balanced")
    assert [draw.std for _, draw in pairs] == [pytest.approx(0.5**0.5)] * 20


def test_equal_fabrics_share_their_tables() -> None:
    fabric = edges_of(np.tril(np.ones((6, 6), int)))
    result, _ = initialised(linear("a", fabric), linear("b", fabric))
    first, second = (layer.draws for layer in linear_layers(result))
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


@pytest.mark.parametrize("name", ["dense", "block", "strided", "blocks", "butterfly", "sum"])
def test_block_wise_fabrics_are_drawn_orthogonal(name: str) -> None:
    pairs, sink = draws_of(FABRICS[name], "orthogonal")
    assert {draw.distribution for _, draw in pairs} == {"orthogonal"}
    assert not sink.diagnostics


def test_square_orthogonal_blocks_are_isometric() -> None:
    pairs, _ = draws_of(butterfly(8), "orthogonal")
    assert [draw.std for _, draw in pairs] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["torus", "fan_in", "edges", "restricted"])
def test_other_factors_fall_back_to_balanced_with_a_warning(name: str) -> None:
    pairs, sink = draws_of(FABRICS[name], "orthogonal")
    expected, _ = draws_of(FABRICS[name], "balanced")
    assert {diagnostic.code for diagnostic in sink.diagnostics} == {"NF450"}
    assert not sink.failed
    for (_, draw), (_, other) in zip(pairs, expected, strict=True):
        assert draw.distribution == "uniform"
        np.testing.assert_array_equal(draw.std, other.std)


def test_a_warning_names_the_inputs_far_out_of_balance() -> None:
    star = np.vstack([np.eye(60, 41, dtype=int)[:, ::-1], np.eye(41, dtype=int)])
    star[:60] = 0
    star[:60, 7] = 1
    _, sink = draws_of(edges_of(star), "balanced")
    (warning,) = sink.diagnostics
    assert warning.code == "NF451"
    assert "input 7 gets" in warning.message
