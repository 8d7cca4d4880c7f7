"""The predicate form against every pair asked alone, whatever the slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nfc.ir.factors import Edges, Kron
from nfc.ir.structure import endpoints
from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.errors import LimitError, SemanticError
from nfc.sema.masks import evaluate, predicate
from nfc.sema.masks.factor import MaskFactors
from nfc.sema.resolve import Masked
from tests.sema.masks.expressions import conditions
from tests.sema.masks.oracle import Wrong, masked, predicate_edges


def built(meaning: Masked, limits: Limits | None = None) -> set[tuple[int, int]] | Wrong:
    """The edges of a mask, or what is wrong."""
    try:
        factor = MaskFactors().factor(meaning, Budget(limits or Limits()), 0)
    except SemanticError as error:
        return Wrong.of(error.diagnostic)
    outputs, inputs = endpoints(factor)
    assert factor.shape == meaning.environment.sizes
    return set(zip(outputs.tolist(), inputs.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(conditions("o i"), st.sampled_from([(1, 64), (7, 64), (16, 4), (64, 3)]))
@example("o + i", (7, 64))
@example("i % (o - 2) == 0", (7, 64))
@example("i % (o - 2) == 0", (64, 3))
def test_slices_make_no_difference(text: str, sizes: tuple[int, int]) -> None:
    meaning = masked(f"mask m(k=2)[o, i] = {text}", 5, 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "_FEWEST", 1)
        patch.setattr(predicate, "_SLICE", sizes[0])
        patch.setattr(predicate, "_WIDEST_SLICE", sizes[1])
        assert built(meaning) == predicate_edges(meaning)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 9), (9, 1), (24, 36), (36, 24)])
@pytest.mark.parametrize(
    "text",
    [
        "o // 4 == i // 4",
        "o * 3 // rows == i * 3 // cols",
        "abs(o - i) <= 2",
        "(o - i) % cols <= k",
        "popcount(o xor i) <= 1",
        "i in o..<o + 3 or i in [0, o, 2 * o]",
        "o == 0 or i != 0 and o % (2 * i) < i",
        "floor(log2(o + 1)) == floor(log2(i + 1))",
        "true",
        "1 < 0",
    ],
)
def test_against_every_pair(text: str, rows: int, cols: int) -> None:
    meaning = masked(f"mask m(k=1)[o, i] = {text}", rows, cols, "m(2)")
    assert built(meaning) == predicate_edges(meaning)


def test_blocks_are_recognised() -> None:
    meaning = masked("mask m[o, i] = o // 8 == i // 8", 1024, 1024)
    assert MaskFactors().factor(meaning, Budget(Limits()), 0) == Kron(128, 8, 8, 1)


def test_a_predicate_that_is_always_true_asks_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(predicate, "_slices")
    meaning = masked("mask m[o, i] = rows > 0", 2**14, 2**14)
    assert MaskFactors().factor(meaning, Budget(Limits()), 0) == Kron(1, 2**14, 2**14, 1)


def test_nothing_at_all() -> None:
    factor = MaskFactors().factor(masked("mask m[o, i] = false", 3, 4), Budget(Limits()), 0)
    assert isinstance(factor, Edges)
    assert np.array_equal(factor.indptr, np.zeros(4))


def test_the_limit_of_pairs() -> None:
    wrong = built(masked("mask near[o, i] = o == i", 2**16 + 1, 2**16, "near"))
    assert isinstance(wrong, Wrong)
    assert wrong.code == "NF716"
    assert wrong.span is not None
    assert wrong.span.text == "o == i"


@pytest.mark.parametrize(("limits", "code"), [(Limits(edges=2**12), "NF714"), (Limits(seconds=0.0), "NF715")])
def test_limits(limits: Limits, code: str) -> None:
    meaning = masked("mask m[o, i] = o <= i", 2**11, 2**11)
    with pytest.raises(LimitError) as error:
        MaskFactors().factor(meaning, Budget(limits), 0)
    assert error.value.diagnostic.code == code
    assert error.value.diagnostic.span == meaning.definition.body.span
