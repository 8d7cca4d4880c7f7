"""Structured products and gradients against dense matrices, for random fabrics of every kind."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.analysis.products import FabricProduct, sampled
from nfc.ir.fabric import Cascade, Fabric, Sum, factors
from nfc.ir.factors import Edges, FanIn, Kron, Restricted
from tests.build import FABRICS, edges_of
from tests.strategies import SEEDS, fabrics


def dense_weights(fabric: Fabric, weights: list[np.ndarray]) -> list[np.ndarray]:
    matrices = []
    for factor, weight in zip(factors(fabric), weights, strict=True):
        matrix = np.zeros(factor.shape)
        indptr, indices = factor.arrays()
        matrix[np.repeat(np.arange(factor.rows), np.diff(indptr)), indices] = weight
        matrices.append(matrix)
    return matrices


def dense_map(fabric: Fabric, matrices: list[np.ndarray]) -> np.ndarray:
    remaining = iter(matrices)

    def of(node: Fabric) -> np.ndarray:
        if not isinstance(node, Cascade | Sum):
            return next(remaining)
        result = of(node.parts[0])
        for part in node.parts[1:]:
            result = of(part) @ result if isinstance(node, Cascade) else result + of(part)
        return result

    return of(fabric)


def drawn(
    fabric: Fabric, seed: int, dtype: type
) -> tuple[FabricProduct, list[np.ndarray], np.random.Generator]:
    random = np.random.default_rng(seed)
    product = FabricProduct(fabric)
    return product, product.split(random.standard_normal(product.edges).astype(dtype)), random


def check_against_dense(fabric: Fabric, seed: int, dtype: type, tolerance: float) -> None:
    product, weights, random = drawn(fabric, seed, dtype)
    batch = int(random.integers(1, 5))
    x = random.standard_normal((fabric.cols, batch)).astype(dtype)
    g = random.standard_normal((fabric.rows, batch)).astype(dtype)
    matrices = dense_weights(fabric, weights)
    matrix = dense_map(fabric, matrices)
    y, tape = product.forward(weights, x)
    gradients, of_input = product.backward(weights, tape, g)
    assert y.dtype == of_input.dtype == gradients[0].dtype == dtype
    np.testing.assert_allclose(y, matrix @ x, atol=tolerance)
    np.testing.assert_allclose(product.apply(weights, x), y, atol=tolerance)
    np.testing.assert_allclose(of_input, matrix.T @ g, atol=tolerance)
    np.testing.assert_allclose(product.transposed(weights, g), of_input, atol=tolerance)
    whole, unit_tape = product.matrix(weights)
    np.testing.assert_allclose(whole, matrix, atol=tolerance)
    residual = (g @ x.T).astype(dtype)
    of_units, _ = product.backward(weights, unit_tape, residual, input_gradient=False)
    for found, expected in zip(of_units, gradients, strict=True):
        np.testing.assert_allclose(found, expected, atol=tolerance)
    # y is linear in each factor's weights, so that a step of 1 along one gives its derivative exactly.
    for place, factor in enumerate(factors(fabric)):
        indptr, indices = factor.arrays()
        rows = np.repeat(np.arange(factor.rows), np.diff(indptr))
        for edge in random.permutation(factor.edges)[:3]:
            moved = [m.copy() for m in matrices]
            moved[place][rows[edge], indices[edge]] += 1.0
            expected = float((g * ((dense_map(fabric, moved) - matrix) @ x)).sum())
            assert gradients[place][edge] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind(name: str) -> None:
    check_against_dense(FABRICS[name], 1, np.float64, 1e-10)


@settings(max_examples=60, deadline=None)
@given(fabrics(), SEEDS, st.sampled_from([(np.float64, 1e-9), (np.float32, 2e-2)]))
def test_random_fabrics(fabric: Fabric, seed: int, precision: tuple[type, float]) -> None:
    check_against_dense(fabric, seed, *precision)


def wide(rows: int, cols: int, count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    return np.sort(np.array([random.permutation(cols)[:count] for _ in range(rows)]), axis=1)


@pytest.mark.parametrize(
    "factor",
    [
        FanIn(300, wide(200, 300, 3)),
        FanIn(60, wide(200, 60, 20)),
        edges_of(np.random.default_rng(0).random((150, 200)) < 0.03),
        edges_of(np.random.default_rng(0).random((150, 200)) < 0.4),
        Restricted(Kron(1, 64, 4, 4), np.arange(200) % 40 == 0, np.arange(10) < 10),
    ],
    ids=["table", "dense table", "edges", "dense edges", "mostly padding"],
)
def test_gradients_in_several_slices(factor: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "SLICE", 50)
    monkeypatch.setattr(sampled, "SLAB", 700)
    check_against_dense(factor, 2, np.float64, 1e-10)


def test_gradients_go_where_they_are_asked_to() -> None:
    fabric = FABRICS["nested"]
    product, weights, random = drawn(fabric, 0, np.float64)
    x, g = random.standard_normal((fabric.cols, 3)), random.standard_normal((fabric.rows, 3))
    _, tape = product.forward(weights, x)
    flat = np.full(product.edges, np.nan)
    product.backward(weights, tape, g, out=product.split(flat), input_gradient=False)
    expected, _ = product.backward(weights, tape, g)
    np.testing.assert_array_equal(flat, np.concatenate(expected))


def test_neurons_without_edges_get_zeros() -> None:
    factor = Edges(3, np.array([0, 0, 2, 2]), np.array([0, 2]))
    product = FabricProduct(factor)
    y = product.apply([np.array([2.0, 3.0])], np.ones((3, 1)))
    np.testing.assert_array_equal(y[:, 0], [0.0, 5.0, 0.0])
    np.testing.assert_array_equal(
        product.transposed([np.array([2.0, 3.0])], np.ones((3, 1)))[:, 0], [2, 0, 3]
    )


def test_memory_is_in_the_edges() -> None:
    width, batch = 2**13, 4
    random = np.random.default_rng(0)
    table = np.sort(random.integers(0, width // 4, (width, 4)) + np.arange(4) * (width // 4), axis=1)
    fabric = Cascade(
        (Kron(width // 16, 4, 4, 4), FanIn(width, table), Kron(1, 8, width, 1), Kron(1, width, 8, 1))
    )
    product, weights, _ = drawn(fabric, 0, np.float32)
    x = random.standard_normal((width, batch)).astype(np.float32)
    tracemalloc.start()
    _, tape = product.forward(weights, x)
    product.backward(weights, tape, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20 < width * width
