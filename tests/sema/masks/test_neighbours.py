"""The neighbour form against loops written out, whatever the slices."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from nfc.ir.factors import Shifts
from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.errors import LimitError
from nfc.sema.masks import evaluate, neighbours
from nfc.sema.masks.factor import MaskFactors
from tests.sema.masks.expressions import sets
from tests.sema.masks.oracle import masked, neighbour_edges
from tests.sema.masks.test_predicate import built


@settings(max_examples=50, deadline=None)
@given(sets())
@example("{ o } + { 1 // (o - 3) }")
@example("{ 1 // (o - 3), 1 // (o - 2), 1 // (o - 3) }")
@example("{ d // (o - 3) for d in 0..4 if 1 // (d - 3) != 5 } + { 6 // (3 - o) for d in 0..o }")
@example("{ d for d in [0, 1.5, o] }")
@example("{ d for d in [[0, 1], 2..3, [o]] }")
@example("{ e for d in [[0, 1], 2..3, [o, o + 1]] for e in d }")
@example("{ d / 2 for d in 0..3 }")
@example("{ o + d * e for d in -o..o for e in 0..<d if (d + e) % 2 == 0 }")
@example("{ e for d in [[0, 1], 2..3, [o], [0.5], 5..o] for e in d if e != 0.5 }")
@example("{ }")
def test_windows_make_no_difference(text: str) -> None:
    meaning = masked(f"mask m(k=2)[o] = {text}", 5, 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "_FEWEST", 1)
        patch.setattr(neighbours, "_OUTPUTS", 3)
        patch.setattr(neighbours, "_WINDOW", 4)
        assert built(meaning) == neighbour_edges(meaning)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 9), (9, 1), (24, 36), (64, 64)])
@pytest.mark.parametrize(
    "text",
    [
        "{ o } + { o xor 2**b for b in 0..<floor(log2(cols)) }",
        "{ (o + d) % cols for d in -2..2 }",
        "{ o + s * d for d in -2..2 for s in [1, 8] if s * d != 5 }",
        "{ o // 4 * 4 + d for d in 0..<4 }",
        "{ j for j in o * cols // rows..<(o + 1) * cols // rows }",
        "{ o - 1, o, o + 1 }",
        "{ j * k for j in 0..o }",
    ],
)
def test_against_loops(text: str, rows: int, cols: int) -> None:
    meaning = masked(f"mask m(k=1)[o] = {text}", rows, cols, "m(k=3)")
    assert built(meaning) == neighbour_edges(meaning)


def test_a_hypercube_is_recognised() -> None:
    meaning = masked("mask m[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }", 2**14, 2**14)
    factor = MaskFactors().factor(meaning, Budget(Limits()), 0)
    assert isinstance(factor, Shifts)
    assert factor.edges == 2**14 * 15


def test_repeats_are_dropped_as_they_come() -> None:
    """A million values for each of eight outputs, three of them distinct."""
    meaning = masked("mask m[o] = { o + d % 3 for d in 0..<2**20 }", 8, 16)
    assert built(meaning) == {(output, output + d) for output in range(8) for d in range(3)}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("{ d for d in 0..10**18 }", "{ d for d in 0..10**18 }"),
        ("{ o } + { d for d in -10**18..10**18 if d == o }", "{ d for d in -10**18..10**18 if d == o }"),
        ("{ d for d in o..10**18 - o }", "{ d for d in o..10**18 - o }"),
        ("{ d for d in 0..<2**28 }", "{ d for d in 0..<2**28 }"),
        ("{ e for d in [[o], 0..10**18] for e in d }", "{ e for d in [[o], 0..10**18] for e in d }"),
    ],
)
def test_endless_sets(text: str, at: str) -> None:
    meaning = masked(f"mask m[o] = {text}", 64, 64)
    wrong = built(meaning)
    assert not isinstance(wrong, set)
    assert wrong.code == "NF716"
    assert wrong.span is not None
    assert wrong.span.text == at


@pytest.mark.parametrize(("limits", "code"), [(Limits(edges=2**9), "NF714"), (Limits(seconds=0.0), "NF715")])
def test_limits(limits: Limits, code: str) -> None:
    meaning = masked("mask m[o] = { j for j in 0..o }", 64, 64)
    with pytest.raises(LimitError) as error:
        MaskFactors().factor(meaning, Budget(limits), 0)
    assert error.value.diagnostic.code == code
