"""Freedom against the singular values of dense Jacobians, and ranks modulo a prime against Fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfc
from nfc.analysis import freedom as module
from nfc.analysis.errors import PropertyError
from nfc.analysis.freedom import dimension, freedom
from nfc.analysis.prime_field import PANEL, PRIME, rank, residues
from nfc.ir.fabric import Cascade, Fabric, Sum, edge_count, factors
from nfc.ir.structure import endpoints
from tests.build import FABRICS
from tests.strategies import fabrics


def jacobian_rank(fabric: Fabric) -> int:
    """By differentiating the dense product one weight at a time, at random weights."""
    random = np.random.default_rng(0)
    matrices = []
    for factor in factors(fabric):
        matrix = np.zeros(factor.shape)
        matrix[endpoints(factor)] = random.uniform(0.5, 1.5, factor.edges) * random.choice(
            [-1, 1], factor.edges
        )
        matrices.append(matrix)
    columns = []
    for number, factor in enumerate(factors(fabric)):
        for output, input in zip(*endpoints(factor), strict=True):
            unit = np.zeros(factor.shape)
            unit[output, input] = 1.0
            columns.append(
                _derivative(fabric, iter(matrices), iter(range(len(matrices))), number, unit)[1].ravel()
            )
    return int(np.linalg.matrix_rank(np.array(columns))) if columns else 0


def _derivative(fabric, matrices, numbers, chosen, unit):  # type: ignore[no-untyped-def]
    """(value, derivative) of a fabric's matrix, by the product rule."""
    match fabric:
        case Cascade(parts=parts):
            value = derivative = None
            for part in parts:
                own, change = _derivative(part, matrices, numbers, chosen, unit)
                derivative = change if value is None else own @ derivative + change @ value
                value = own if value is None else own @ value
            return value, derivative
        case Sum(parts=parts):
            pairs = [_derivative(part, matrices, numbers, chosen, unit) for part in parts]
            return sum(value for value, _ in pairs), sum(change for _, change in pairs)
        case _:
            matrix = next(matrices)
            return matrix, unit if next(numbers) == chosen else np.zeros_like(matrix)


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric(name: str) -> None:
    fabric = FABRICS[name]
    assert dimension(fabric) == jacobian_rank(fabric)


@settings(max_examples=80, deadline=None)
@given(fabrics())
def test_random_fabrics(fabric: Fabric) -> None:
    if edge_count(fabric) <= 120:
        assert dimension(fabric) == jacobian_rank(fabric)


@pytest.mark.parametrize(
    ("text", "rows", "cols", "expected"),
    [
        ("butterfly", 16, 16, 16 * 2 * 4 - 16 * 3),
        ("butterfly", 12, 20, None),
        ("monarch", 36, 36, 36 * 12 - 36),
        ("lowrank(rank=3)", 20, 12, 3 * (20 + 12 - 3)),
        ("lowrank(rank=12)", 20, 12, 240),
        ("parallel(2, monarch)", 16, 16, 16 * 2 * (4 + 4 - 2)),
        ("clos", 16, 16, None),
        ("hypercube(depth=2)", 8, 8, None),
        ("lowrank(rank=3) >> block(size=4)", 16, 16, 3 * (16 + 16 - 3)),
    ],
)
def test_families(text: str, rows: int, cols: int, expected: int | None) -> None:
    fabric = nfc.topology(text, rows=rows, cols=cols).ir
    assert dimension(fabric) == (jacobian_rank(fabric) if expected is None else expected)


def test_closed_forms_need_no_elimination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 0)
    for text, width, expected in [
        ("butterfly", 2**16, 2**17 * 16 - 2**16 * 15),
        ("lowrank(rank=7)", 2**12, 7 * (2**13 - 7)),
        ("parallel(3, monarch)", 2**12, 2**12 * 3 * (64 + 64 - 3)),
        ("random(fan_in=5)", 1000, 5000),
    ]:
        fabric = nfc.topology(text, rows=width, cols=width).ir
        assert freedom(fabric) == expected / width**2, text


def test_what_has_no_closed_form_is_refused_beyond_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 100)
    with pytest.raises(PropertyError, match="an elimination of 160 weights") as raised:
        freedom(nfc.topology("hypercube(depth=2)", rows=16, cols=16).ir)
    assert raised.value.code == "NF506"


def rational_rank(matrix: np.ndarray) -> int:
    rows = [[Fraction(int(entry)) for entry in row] for row in matrix]
    found = 0
    for column in range(matrix.shape[1]):
        pivot = next((row for row in range(found, len(rows)) if rows[row][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for row in range(found + 1, len(rows)):
            ratio = rows[row][column] / rows[found][column]
            rows[row] = [a - ratio * b for a, b in zip(rows[row], rows[found], strict=True)]
        found += 1
    return found


@given(st.integers(0, 9), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_ranks_of_small_matrices(inner: int, rows: int, cols: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.integers(0, 9, (rows, inner)) @ random.integers(0, 2, (inner, cols))
    assert rank(matrix.astype(np.float64)) == rational_rank(matrix)


@pytest.mark.parametrize("inner", [1, PANEL - 1, PANEL, PANEL + 1, 3 * PANEL])
def test_ranks_across_panels(inner: int) -> None:
    random = np.random.default_rng(inner)
    left = random.integers(0, PRIME, (4 * PANEL, inner))
    right = random.integers(0, PRIME, (inner, 5 * PANEL))
    product = np.zeros((4 * PANEL, 5 * PANEL), np.int64)
    for k in range(inner):
        product = (product + left[:, k, None] * right[k]) % PRIME
    assert rank(product.astype(np.float64)) == inner


@given(st.integers(-(2**52) + 1, 2**52 - 1), st.integers(0, 2**30))
def test_residues_are_exact(number: int, multiple: int) -> None:
    for value in (number, multiple * PRIME - 1, multiple * PRIME, multiple * PRIME + 1):
        if abs(value) < 2**52:
            assert residues(np.array([float(value)]))[0] == value % PRIME
