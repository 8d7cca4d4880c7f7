"""Which stages of a cascade multiply out into one: patterns against products of dense matrices."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir.factors import Kron
from nfc.ir.network import Draw
from nfc.lowering.fuse import ascending, descending, digits, fusable_from, fused, nested
from nfc.lowering.plan import Blocked, Weight
from tests.build import dense_pattern

SIDES = st.integers(1, 4)
DIGITS = st.tuples(SIDES, SIDES, SIDES, SIDES)


def stage(a, b, c, d, name="w", places=None):
    shape = (a, b, c) if d == 1 else (a, b, d, c)
    return Blocked(Weight(name, shape, Draw("uniform", 1.0, 0)), a, b, c, d, places)


def pattern(numbers):
    return dense_pattern(Kron(*numbers))


def matrix(numbers, weight):
    """The dense matrix of block weights [a, b, d, c], written out entry by entry."""
    a, b, c, d = numbers
    dense = np.zeros((a, b, d, a, c, d))
    for i, j, s, k in np.ndindex(a, b, d, c):
        dense[i, j, s, i, k, s] = weight[i, j, s, k]
    return dense.reshape(a * b * d, a * c * d)


def random_weight(numbers, seed):
    a, b, c, d = numbers
    return np.random.default_rng(seed).standard_normal((a, b, d, c))


def ascending_weight(first, second, one, two):
    """The outer product of the docstring of `ascending`, in its notation."""
    (_, b1, c1, d1), (a2, b2, c2, _) = first, second
    inner = two.reshape(a2, b2, b1, d1, c2)
    outer = one.reshape(a2, c2, b1, d1, c1)
    return np.einsum("aJjsK,aKjsk->aJjsKk", inner, outer).reshape(a2, b2 * b1, d1, c2 * c1)


def descending_weight(first, second, one, two):
    (a1, b1, c1, _), (_, b2, c2, d2) = first, second
    inner = two.reshape(a1, b1, b2, d2, c2)
    outer = one.reshape(a1, b1, c2, d2, c1)
    return np.einsum("aJjsk,aJksK->aJjsKk", inner, outer).reshape(a1, b1 * b2, d2, c1 * c2)


@st.composite
def ascending_pairs(draw):
    a2, b1, c1, d1, b2, c2 = (draw(st.integers(1, 3)) for _ in range(6))
    return (a2 * c2, b1, c1, d1), (a2, b2, c2, d1 * b1)


@st.composite
def descending_pairs(draw):
    a1, b1, c1, d2, b2, c2 = (draw(st.integers(1, 3)) for _ in range(6))
    return (a1, b1, c1, d2 * c2), (a1 * b1, b2, c2, d2)


@given(ascending_pairs())
def test_ascending_stages_multiply_to_one_stage(pair):
    first, second = pair
    product = ascending(first, second)
    one, two = random_weight(first, 1), random_weight(second, 2)
    expected = matrix(second, two) @ matrix(first, one)
    np.testing.assert_allclose(matrix(product, ascending_weight(first, second, one, two)), expected)
    np.testing.assert_array_equal(pattern(product), pattern(second) @ pattern(first))


@given(descending_pairs())
def test_descending_stages_multiply_to_one_stage(pair):
    first, second = pair
    product = descending(first, second)
    one, two = random_weight(first, 1), random_weight(second, 2)
    expected = matrix(second, two) @ matrix(first, one)
    np.testing.assert_allclose(matrix(product, descending_weight(first, second, one, two)), expected)
    np.testing.assert_array_equal(pattern(product), pattern(second) @ pattern(first))


@given(DIGITS, DIGITS)
def test_whatever_nests_has_the_pattern_of_the_product(first, second):
    product = nested(first, second)
    if product is not None:
        np.testing.assert_array_equal(pattern(product), pattern(second) @ pattern(first))


@given(DIGITS, st.data())
def test_what_has_several_paths_or_no_single_stage_never_nests(first, data):
    """Among neighbours that fit, those whose product is no 0/1 matrix of one stage are turned down."""
    a, b, _, d = first
    width = a * b * d
    c2 = data.draw(st.sampled_from([n for n in range(1, width + 1) if width % n == 0]))
    a2 = data.draw(st.sampled_from([n for n in range(1, width // c2 + 1) if width // c2 % n == 0]))
    second = (a2, data.draw(SIDES), c2, width // c2 // a2)
    counted = pattern(second) @ pattern(first)
    if counted.max() > 1:
        assert nested(first, second) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3, 4, 4, 1), (2, 6, 6, 1)),  # block(4) >> block(6)
        ((3, 4, 4, 1), (3, 4, 4, 1)),
        ((4, 2, 2, 1), (1, 2, 2, 4)),  # a stage of the butterfly is left out
        ((1, 2, 2, 4), (4, 2, 2, 1)),
        ((1, 8, 8, 1), (1, 8, 8, 1)),
    ],
)
def test_neighbours_that_do_not_nest(first, second):
    assert nested(first, second) is None
    with pytest.raises(ValueError, match="does not nest"):
        fused([stage(*first), stage(*second)])


@pytest.mark.parametrize("order", [1, -1])
def test_a_whole_butterfly_is_a_dense_matrix(order):
    stages = [stage(16 // (2 * 2**k), 2, 2, 2**k, f"w{k}") for k in range(4)][::order]
    product = fused(stages)
    assert digits(product) == (1, 16, 16, 1)
    assert product.parts == tuple(stages)


def test_rectangular_stages():
    """12 inputs to 4 · 5 outputs over 3 · 5."""
    product = fused([stage(3, 5, 4, 1), stage(1, 4, 3, 5)])
    assert digits(product) == (1, 20, 12, 1)


@pytest.mark.parametrize("part", [stage(4, 2, 2, 1, places=np.arange(3)), stage(8, 1, 1, 1)])
def test_missing_edges_and_diagonals_do_not_fuse(part):
    with pytest.raises(ValueError, match="is a diagonal or has missing edges"):
        fused([part, stage(4, 2, 2, 1)])


def test_groups_grow_as_far_as_stages_nest():
    stages = [stage(4, 2, 2, 1), stage(2, 2, 2, 2), stage(1, 2, 2, 4), stage(4, 2, 2, 1)]
    groups = list(fusable_from(stages, 0))
    assert [digits(group) for group in groups] == [(4, 2, 2, 1), (2, 4, 4, 1), (1, 8, 8, 1)]
    assert [prod(digits(group)) for group in fusable_from(stages, 3)] == [16]
