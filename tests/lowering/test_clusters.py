"""Rows in clusters: every edge is covered once, and hidden structure is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir.network import Draw
from nfc.ir.recovery import components
from nfc.lowering import Target
from nfc.lowering.clusters import clustered
from nfc.lowering.cost import kernel_seconds
from nfc.lowering.plan import Neighbours, Sparse, Weight
from tests.build import edges_of

TARGET = Target(runtime="onnxruntime")


def sparse(matrix: np.ndarray) -> Sparse:
    edges = edges_of(matrix)
    weight = Weight("w", (edges.edges,), Draw("uniform", 1.0, 0))
    return Sparse(weight, *matrix.shape, edges.indptr, edges.indices)


def shuffled(matrix: np.ndarray, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return matrix[random.permutation(len(matrix))][:, random.permutation(matrix.shape[1])]


def covered(kernel: Sparse, row_sets: np.ndarray, col_sets: np.ndarray) -> bool:
    """Whether each row is in one cluster, and each of its inputs in that cluster's."""
    flat = row_sets.reshape(-1)
    if sorted(flat[flat < kernel.rows]) != list(range(kernel.rows)) or (flat > kernel.rows).any():
        return False
    for rows, columns in zip(row_sets, col_sets, strict=True):
        for row in rows[rows < kernel.rows]:
            if not set(kernel.indices[kernel.indptr[row] : kernel.indptr[row + 1]]) <= set(columns):
                return False
    return True


@given(st.integers(32, 70), st.integers(1, 40), st.sampled_from([0.02, 0.2, 0.9]), st.integers(0, 99))
def test_clusters_cover_every_edge(rows, cols, density, seed):
    kernel = sparse(np.random.default_rng(seed).random((rows, cols)) < density)
    found = clustered(kernel, TARGET, below=float("inf"))
    assert found or density < 0.9
    if found:
        assert covered(kernel, found.row_sets, found.col_sets)
        assert (np.diff(found.col_sets) >= 0).all()
        assert found.col_sets.min() >= 0
        assert found.col_sets.max() < cols


def band(size: int, width: int) -> np.ndarray:
    places = np.arange(size)
    return abs(places[:, None] - places) <= width


BLOCKS = np.kron(
    np.random.default_rng(5).permuted(np.eye(32, 32) + np.eye(32, 32, 3), axis=0), np.ones((16, 16))
)


@pytest.mark.parametrize(
    ("matrix", "widest"),
    [(band(512, 8), 64 + 16), (shuffled(band(512, 8)), 4 * (16 + 16)), (shuffled(BLOCKS), 4 * 32)],
    ids=["band", "shuffled band", "shuffled blocks"],
)
def test_rows_that_share_inputs_come_together(matrix, widest):
    """16 random rows of these would share nothing and read 272, 272 and 512 inputs."""
    found = clustered(sparse(matrix), TARGET, below=float("inf"))
    assert found.col_sets.shape[1] <= widest
    assert covered(sparse(matrix), found.row_sets, found.col_sets)


def test_clusters_must_be_faster_than_asked():
    kernel = sparse(band(512, 8))
    found = clustered(kernel, TARGET, below=float("inf"))
    assert clustered(kernel, TARGET, below=kernel_seconds(found, TARGET)) is None


def test_a_random_pattern_stays_as_it_is():
    random = np.random.default_rng(0)
    table = np.stack([np.sort(random.choice(2048, 16, replace=False)) for _ in range(2048)])
    kernel = Neighbours(Weight("w", table.shape, Draw("uniform", 1.0, 0)), 2048, table)
    assert clustered(kernel, TARGET, below=kernel_seconds(kernel, TARGET)) is None


def test_it_is_the_same_every_time():
    kernel = sparse(shuffled(band(256, 4)))
    one, two = (clustered(kernel, TARGET, below=float("inf")) for _ in range(2))
    np.testing.assert_array_equal(one.row_sets, two.row_sets)
    np.testing.assert_array_equal(one.col_sets, two.col_sets)


def test_clusters_are_the_same_when_worked_out_in_slices(monkeypatch):
    kernel = sparse(shuffled(np.kron(np.eye(32, dtype=int), np.ones((16, 16), int))))
    whole = clustered(kernel, TARGET, below=1.0)
    monkeypatch.setattr(components, "SLICE", 64)
    sliced = clustered(kernel, TARGET, below=1.0)
    assert (whole.row_sets == sliced.row_sets).all()
    assert (whole.col_sets == sliced.col_sets).all()
