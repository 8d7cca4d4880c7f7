"""Edges are recognised as the most structural factor that has them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir.factors import Blocks, Edges, FanIn, Kron
from nfc.ir.structure import block_sets, blocks, from_edges, kron, sparse
from tests.build import dense_pattern, edges_of
from tests.strategies import SEEDS, edge_lists, krons

SMALL = st.integers(1, 4)


def recognised(factor: Kron | Blocks | FanIn | Edges) -> object:
    return sparse(factor.cols, *factor.arrays())


@given(SMALL, SMALL, SMALL, SMALL)
def test_every_kron_is_recognised(a: int, b: int, c: int, d: int) -> None:
    assert recognised(Kron(a, b, c, d)) == kron(a, b, c, d)
    assert blocks(*block_sets(Kron(a, b, c, d))) == kron(a, b, c, d)


@given(SMALL, SMALL, SMALL, SMALL, SEEDS)
def test_every_permuted_kron_is_recognised(a: int, b: int, c: int, d: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    row_sets, col_sets = block_sets(Kron(a, b, c, d))
    row_sets, col_sets = (
        random.permutation(row_sets.size)[row_sets],
        random.permutation(col_sets.size)[col_sets],
    )
    factor = blocks(row_sets, col_sets)
    expected = np.zeros((row_sets.size, col_sets.size))
    for rows, cols in zip(row_sets, col_sets, strict=True):
        expected[np.ix_(rows, cols)] = 1
    np.testing.assert_array_equal(dense_pattern(factor), expected)
    again = recognised(factor)
    assert type(again) is type(factor)
    np.testing.assert_array_equal(dense_pattern(again), expected)


@given(
    st.integers(1, 8).flatmap(lambda rows: st.integers(1, 8).flatmap(lambda cols: edge_lists(rows, cols))),
    SEEDS,
)
def test_edges_in_any_order(factor: Edges, seed: int) -> None:
    outputs, inputs = np.nonzero(dense_pattern(factor))
    order = np.random.default_rng(seed).permutation(len(outputs))
    found = from_edges(factor.rows, factor.cols, outputs[order], inputs[order])
    np.testing.assert_array_equal(dense_pattern(found), dense_pattern(factor))
    counts = np.diff(factor.indptr)
    assert not isinstance(found, Edges) or counts.min() != counts.max()


def test_what_is_nearly_blocks_is_not() -> None:
    overlapping = edges_of(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 1, 0]]))
    unequal = edges_of(np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]))
    assert isinstance(recognised(overlapping), FanIn)
    assert isinstance(recognised(unequal), FanIn)


@given(krons(12, 6))
def test_equal_patterns_are_equal_factors(factor: Kron) -> None:
    assert recognised(factor) == kron(factor.a, factor.b, factor.c, factor.d)
