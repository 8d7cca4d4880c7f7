"""Edge variances against the formulas, evaluated on dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from nfc.ir.deviations import deviations, edge_std
from nfc.ir.fabric import factors
from nfc.ir.factors import Factor
from nfc.passes.schemes import edge_variance
from tests.build import FABRICS, dense_pattern

FACTORS = [factor for fabric in FABRICS.values() for factor in factors(fabric)]
REGULAR = ("dense", "block", "diagonal", "strided", "blocks", "torus", "hypercube")


def formula(scheme: str, pattern: np.ndarray) -> np.ndarray:
    """The variance of every edge, [edges] in CSR order, with degrees counted in the dense pattern."""
    fan_in = np.broadcast_to(pattern.sum(axis=1)[:, None], pattern.shape)
    fan_out = np.broadcast_to(pattern.sum(axis=0)[None, :], pattern.shape)
    with np.errstate(divide="ignore"):
        variance = {
            "xavier": 2.0 / (fan_in + fan_out),
            "kaiming": 1.0 / fan_in,
            "dense_xavier": np.full(pattern.shape, 2.0 / sum(pattern.shape)),
        }[scheme]
    return variance[pattern == 1]


def values_of(factor: Factor, scheme: str) -> np.ndarray:
    """What the scheme gives every edge, [edges]."""
    return np.broadcast_to(
        np.square(edge_std(factor, deviations(edge_variance(factor, scheme).values, 1.0))), (factor.edges,)
    )


@pytest.mark.parametrize("scheme", ["xavier", "kaiming", "dense_xavier"])
@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.kind)
def test_formulas(factor: Factor, scheme: str) -> None:
    np.testing.assert_allclose(values_of(factor, scheme), formula(scheme, dense_pattern(factor)))


@pytest.mark.parametrize("name", REGULAR)
@pytest.mark.parametrize("scheme", ["balanced", "xavier", "kaiming", "dense_xavier"])
def test_regular_factors_have_one_number(name: str, scheme: str) -> None:
    assert isinstance(edge_variance(FABRICS[name], scheme).values, float)


@pytest.mark.parametrize("name", REGULAR)
def test_balance_of_a_regular_factor_is_its_closed_form(name: str) -> None:
    pattern = dense_pattern(FABRICS[name])
    matrix = pattern * edge_variance(FABRICS[name], "balanced").values
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    np.testing.assert_allclose(matrix.sum(axis=0), pattern.shape[0] / pattern.shape[1])


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.kind)
def test_the_effective_fan_in_counts_edges_by_their_variances(factor: Factor) -> None:
    variance = dense_pattern(factor)
    variance[variance == 1] = values_of(factor, "balanced")
    with np.errstate(invalid="ignore"):
        crowding = (variance**2).sum(axis=1) / variance.sum(axis=1) ** 2
    assert edge_variance(factor, "balanced").fan_in == pytest.approx(1.0 / np.nanmean(crowding))
