"""Lists of entries against dense NumPy matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.analysis import entries as entries_module
from nfc.analysis.entries import Entries, collect, expansion, product, row_groups


def entries_of(matrix: np.ndarray) -> Entries:
    row, col = np.nonzero(matrix)
    return Entries(*matrix.shape, row, col, matrix[row, col])


def dense(entries: Entries) -> np.ndarray:
    matrix = np.zeros((entries.rows, entries.cols), np.int64)
    matrix[entries.row, entries.col] = entries.value
    return matrix


def matrices(rows: int, cols: int) -> st.SearchStrategy[np.ndarray]:
    values = st.lists(st.integers(0, 2), min_size=rows * cols, max_size=rows * cols)
    return values.map(lambda flat: np.array(flat, np.int64).reshape(rows, cols))


@given(matrices(5, 4), matrices(4, 6))
def test_products_and_transposes(left: np.ndarray, right: np.ndarray) -> None:
    found = product(entries_of(left), entries_of(right))
    assert (dense(found) == left @ right).all()
    assert (dense(found.by_column) == (left @ right).T).all()
    assert expansion(entries_of(left), entries_of(right)) == ((left > 0) @ (right > 0).astype(int)).sum()


def test_entries_at_one_place_add() -> None:
    found = collect(2, 2, np.array([1, 0, 1]), np.array([0, 1, 0]), np.array([2, 3, 4]))
    assert dense(found).tolist() == [[0, 3], [6, 0]]


def assert_groups_equal_rows(matrix: np.ndarray) -> None:
    groups = row_groups(entries_of(matrix))
    for first in range(len(matrix)):
        assert (groups[first] == -1) == (not matrix[first].any())
        for second in range(len(matrix)):
            if groups[first] == groups[second]:
                assert (matrix[first] == matrix[second]).all()


@given(matrices(8, 3))
def test_equal_rows_share_a_group(matrix: np.ndarray) -> None:
    assert_groups_equal_rows(matrix)
    live = {tuple(row) for row in matrix.tolist() if any(row)}
    assert set(row_groups(entries_of(matrix)).tolist()) - {-1} == set(range(len(live)))


@given(matrices(8, 3))
def test_rows_that_only_hash_alike_stay_apart(matrix: np.ndarray) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries_module, "_mixed", np.zeros_like)
        assert_groups_equal_rows(matrix)
