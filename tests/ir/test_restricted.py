"""Degrees and blocks of a restricted Kronecker factor, against its base as a dense Boolean matrix."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nfc.analysis.variance import through_weights
from nfc.ir.factors import Kron, Restricted
from nfc.ir.network import Draw, Linear
from nfc.ir.orthogonal_weights import block_sizes

SIZES = st.integers(1, 4)


def flags(size: int) -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.booleans(), min_size=size, max_size=size).map(lambda found: np.array(found, np.bool_))


@st.composite
def restricted(draw: st.DrawFn) -> Restricted:
    base = Kron(draw(SIZES), draw(SIZES), draw(SIZES), draw(SIZES))
    rows, cols = draw(st.integers(1, base.rows)), draw(st.integers(1, base.cols))
    return Restricted(base, draw(flags(rows)), draw(flags(cols)))


def dense(factor: Restricted) -> np.ndarray:
    base = factor.base
    whole = np.kron(np.kron(np.eye(base.a), np.ones((base.b, base.c))), np.eye(base.d))
    return whole[: factor.rows, : factor.cols] * np.outer(factor.live_rows, factor.live_cols)


@given(restricted())
def test_degrees_and_blocks_are_those_of_the_dense_matrix(factor: Restricted) -> None:
    matrix = dense(factor)
    np.testing.assert_array_equal(factor.fan_in(), matrix.sum(axis=1))
    np.testing.assert_array_equal(factor.fan_out(), matrix.sum(axis=0))
    np.testing.assert_array_equal(factor.csr().toarray(), matrix)
    heights, widths = block_sizes(factor)
    same_row = (matrix @ matrix.T > 0).sum(axis=1)
    np.testing.assert_array_equal(heights, same_row)
    np.testing.assert_array_equal(widths, matrix.sum(axis=1))


@given(restricted())
def test_second_moments_go_through_the_live_edges(factor: Restricted) -> None:
    rows, cols = factor.shape
    layer = Linear(
        path="layer",
        input=(cols,),
        output=(rows,),
        fabric=factor,
        bias=False,
        scheme="balanced",
        topology="",
        draws=(Draw("uniform", 0.5, 0),),
    )
    moments, gradient = np.arange(1.0, cols + 1), np.arange(1.0, rows + 1)
    behind, back = through_weights(layer, moments)
    np.testing.assert_allclose(behind, dense(factor) @ moments * 0.25)
    np.testing.assert_allclose(back(gradient), dense(factor).T @ gradient * 0.25)
