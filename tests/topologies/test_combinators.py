"""Transposes, direct sums, permutations, pruning: against dense matrices, over fabrics of every kind."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfc.ir.fabric import Cascade, Fabric, Sum, cascade, factors, total
from nfc.ir.factors import Blocks, Factor, Kron, Restricted, Shifts
from nfc.ir.permute import inverse, permute_inputs, permute_outputs
from nfc.ir.prune import first_empty, restrict
from nfc.topologies import combinators
from nfc.topologies.family import TopologyError
from tests.build import FABRICS, butterfly, dense_pattern
from tests.strategies import SEEDS, fabrics
from tests.topologies.oracles import fabric


def valid(fabric: Fabric) -> Fabric:
    """The fabric, after a look at what every factor promises."""
    for factor in factors(fabric):
        indptr, indices = factor.arrays()
        assert len(indptr) == factor.rows + 1
        assert len(indices) == factor.edges
        rows = np.repeat(np.arange(factor.rows), np.diff(indptr))
        assert (np.diff(rows * factor.cols + indices) > 0).all()
        if isinstance(factor, Blocks):
            assert (np.diff(factor.row_sets[:, 0]) > 0).all()
    return fabric


def by_hand() -> st.SearchStrategy[Fabric]:
    return st.one_of(st.sampled_from(list(FABRICS.values())), fabrics())


@given(by_hand())
def test_transpose(fabric: Fabric) -> None:
    transposed = valid(combinators.transpose(fabric))
    np.testing.assert_array_equal(dense_pattern(transposed), dense_pattern(fabric).T)


@given(by_hand(), SEEDS)
def test_permuting_inputs_and_outputs(fabric: Fabric, seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs, outputs = random.permutation(fabric.cols), random.permutation(fabric.rows)
    P, Q = np.eye(fabric.cols)[inputs], np.eye(fabric.rows)[outputs]
    F = dense_pattern(fabric)
    np.testing.assert_array_equal(dense_pattern(valid(permute_inputs(fabric, inputs))), F @ P)
    np.testing.assert_array_equal(dense_pattern(valid(permute_outputs(fabric, outputs))), Q @ F)
    np.testing.assert_array_equal(inputs[inverse(inputs)], np.arange(fabric.cols))


def grown(fabric: Fabric, seed: int) -> Fabric:
    """A fabric with the same tree and other sizes: every factor doubled along the diagonal, permuted."""
    twice = combinators.direct_sum([fabric, fabric])
    return permute_inputs(twice, np.random.default_rng(seed).permutation(twice.cols))


@given(by_hand(), SEEDS)
def test_direct_sum(fabric: Fabric, seed: int) -> None:
    parts = [fabric, grown(fabric, seed), fabric]
    joined = valid(combinators.direct_sum(parts))
    expected = np.zeros((sum(part.rows for part in parts), sum(part.cols for part in parts)))
    row = col = 0
    for part in parts:
        expected[row : row + part.rows, col : col + part.cols] = dense_pattern(part)
        row, col = row + part.rows, col + part.cols
    np.testing.assert_array_equal(dense_pattern(joined), expected)
    assert len(list(factors(joined))) == len(list(factors(fabric)))


def test_direct_sum_keeps_structure() -> None:
    assert combinators.direct_sum([butterfly(8)] * 3) == Cascade(
        tuple(Kron(3 * k.a, 2, 2, k.d) for k in factors(butterfly(8)))
    )
    torus = combinators.direct_sum([FABRICS["torus"]] * 2)
    assert isinstance(torus, Shifts)
    assert torus.dims == (4, 3, 2)
    assert isinstance(combinators.direct_sum([Kron(1, 2, 3, 2), Kron(2, 2, 3, 1)]), Blocks)
    cut = combinators.direct_sum([butterfly(8), restrict(butterfly(8), 5, 7)])
    assert {type(factor) for factor in factors(cut)} <= {Kron, Restricted}


@pytest.mark.parametrize(
    "parts",
    [
        [butterfly(8), butterfly(16)],
        [butterfly(4), Kron(1, 4, 4, 1)],
        [Sum((Kron(1, 2, 2, 1),) * 2), Cascade((Kron(1, 2, 2, 1),) * 2)],
        [Kron(1, 2, 2, 1), butterfly(4), butterfly(8)],
    ],
)
def test_direct_sum_of_unequal_trees_is_an_error(parts: list[Fabric]) -> None:
    with pytest.raises(TopologyError, match="factor by factor") as raised:
        combinators.direct_sum(parts)
    assert raised.value.code == "NF402"


def test_permutations_by_their_definitions() -> None:
    assert combinators.permutation("reverse", 5).tolist() == [4, 3, 2, 1, 0]
    expected = [int(f"{o:04b}"[::-1], 2) for o in range(16)]
    assert combinators.permutation("bit_reverse", 16).tolist() == expected
    assert combinators.permutation("bit_reverse", 1).tolist() == [0]
    # Three piles of four cards, interleaved.
    piles = np.arange(12).reshape(3, 4)
    assert combinators.permutation("shuffle", 12, radix=3).tolist() == [*piles.T.ravel()]
    random = combinators.permutation("random", 100, seed=4)
    assert sorted(random.tolist()) == list(range(100))
    assert random.tolist() != combinators.permutation("random", 100, seed=5).tolist()


@pytest.mark.parametrize(
    ("kind", "width", "radix", "code", "message"),
    [
        ("bit_reverse", 12, 2, "NF301", "power of two, not 12"),
        ("shuffle", 12, 5, "NF301", "multiple of its radix 5, not 12"),
        ("revers", 12, 2, "NF401", 'found `"revers"`'),
    ],
)
def test_permutations_that_there_are_not(kind: str, width: int, radix: int, code: str, message: str) -> None:
    with pytest.raises(TopologyError, match=message) as raised:
        combinators.permutation(kind, width, radix)
    assert raised.value.code == code


def test_a_shuffled_stage_is_the_shuffle_exchange_stage() -> None:
    """A perfect shuffle before blocks is one stage of the shuffle-exchange network."""
    shuffled = permute_inputs(Kron(8, 2, 2, 1), combinators.permutation("shuffle", 16))
    stage = fabric("shuffle_exchange", 16, 16, depth=1)
    np.testing.assert_array_equal(dense_pattern(shuffled), dense_pattern(stage))


def test_a_bit_reversed_butterfly_has_its_stages_reversed() -> None:
    order = combinators.permutation("bit_reverse", 16)
    parts = list(factors(butterfly(16)))
    for stage, mirrored in zip(parts, reversed(parts), strict=True):
        assert permute_outputs(permute_inputs(stage, order), order) == mirrored


def test_a_permutation_that_leaves_a_kron_a_kron() -> None:
    reverse = combinators.permutation("reverse", 12)
    assert permute_inputs(Kron(1, 4, 12, 1), reverse) == Kron(1, 4, 12, 1)
    both = permute_outputs(permute_inputs(Kron(2, 3, 3, 2), reverse), reverse)
    assert both == Kron(2, 3, 3, 2)


def test_shuffled_copies() -> None:
    parts = [butterfly(16)] * 3
    shuffled = combinators.shuffled_sum(parts, seed=8)
    assert isinstance(shuffled, Sum)
    assert shuffled.parts[0] == butterfly(16)
    one, other = (dense_pattern(part.parts[0]) for part in shuffled.parts[1:])
    assert (one != other).any()
    for part in shuffled.parts[1:]:
        assert [factor.edges for factor in factors(part)] == [32] * 4
        assert (dense_pattern(part) == 1).all()
    sides = combinators.shuffled_copy(Kron(64, 1, 1, 1), seed=8, copy=1)
    assert dense_pattern(sides).trace() < 32


def pruned_by_hand(fabric: Fabric, reach: np.ndarray, use: np.ndarray) -> list[np.ndarray]:
    """Each factor's edges between inputs with paths from `reach` and outputs with paths to `use`."""
    match fabric:
        case Cascade(parts=parts):
            matrices = [dense_pattern(part) for part in parts]
            found = []
            for index, part in enumerate(parts):
                before, behind = reach, use
                for matrix in matrices[:index]:
                    before = matrix @ before
                for matrix in matrices[:index:-1]:
                    behind = matrix.T @ behind
                found += pruned_by_hand(part, before, behind)
            return found
        case Sum(parts=parts):
            return [matrix for part in parts for matrix in pruned_by_hand(part, reach, use)]
        case _:
            return [dense_pattern(fabric) * (use > 0)[:, None] * (reach > 0)]


@given(by_hand(), st.data())
def test_restricting(fabric: Fabric, data: st.DataObject) -> None:
    rows, cols = data.draw(st.integers(1, fabric.rows)), data.draw(st.integers(1, fabric.cols))
    reach, use = np.arange(fabric.cols) < cols, np.arange(fabric.rows) < rows
    kept = valid(restrict(fabric, rows, cols))
    assert kept.rows == rows
    assert kept.cols == cols
    np.testing.assert_array_equal(dense_pattern(kept), dense_pattern(fabric)[:rows, :cols])
    brute_force = pruned_by_hand(fabric, reach.astype(float), use.astype(float))
    for factor, matrix in zip(factors(kept), brute_force, strict=True):
        np.testing.assert_array_equal(dense_pattern(factor), matrix[: factor.rows, : factor.cols])
        assert factor.edges == matrix.sum()


@given(by_hand())
def test_first_empty_neurons(fabric: Fabric) -> None:
    first, last = [fabric], [fabric]
    while any(not isinstance(part, Factor) for part in first + last):
        first = [
            p
            for f in first
            for p in ([f] if isinstance(f, Factor) else f.parts if isinstance(f, Sum) else f.parts[:1])
        ]
        last = [
            p
            for f in last
            for p in ([f] if isinstance(f, Factor) else f.parts if isinstance(f, Sum) else f.parts[-1:])
        ]
    outputs = sum(dense_pattern(factor).sum(axis=1) for factor in last)
    inputs = sum(dense_pattern(factor).sum(axis=0) for factor in first)
    expected = tuple(
        int((found == 0).argmax()) if (found == 0).any() else None for found in (outputs, inputs)
    )
    assert first_empty(fabric) == expected


@given(fabrics(rows=4), fabrics(cols=4))
def test_normal_forms_survive(one: Fabric, other: Fabric) -> None:
    """Combinators give nested cascades and sums no second level of the same kind."""
    for result in (combinators.transpose(cascade(one, other)), restrict(total(one, one), 3, 1)):
        for outer, inner in pairs_of_nodes(result):
            assert type(outer) is not type(inner)


def pairs_of_nodes(fabric: Fabric) -> list[tuple[Fabric, Fabric]]:
    if isinstance(fabric, Factor):
        return []
    nested = [(fabric, part) for part in fabric.parts if not isinstance(part, Factor)]
    return nested + [pair for part in fabric.parts for pair in pairs_of_nodes(part)]


def test_boundaries_of_shares_are_covered() -> None:
    """Parts of unequal sizes stand at the sums of the sizes before them."""
    parts = [Kron(1, 2, 3, 1), Kron(1, 1, 4, 1), Kron(1, 5, 1, 1)]
    joined = dense_pattern(combinators.direct_sum(parts))
    rows, cols = [0, 2, 3, 8], [0, 3, 7, 8]
    for (top, bottom), (left, right) in zip(pairwise(rows), pairwise(cols), strict=True):
        assert joined[top:bottom, left:right].all()
    assert joined.sum() == 6 + 4 + 5
