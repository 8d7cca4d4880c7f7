"""Changes that share a line of the summary: those of a repeat's copies, and no others."""

from __future__ import annotations

from nfc.subjects import subject


def test_copies_share_a_subject() -> None:
    first, second = (f"`repeat1.{copy}.linear1` has other edges: {copy} added" for copy in (0, 1))
    assert subject(first) == subject(second)


def test_two_facts_of_one_operation_do_not() -> None:
    assert subject("`kernel` of `conv1` is [5, 5], was 3") != subject("`padding` of `conv1` is [2, 2], was 1")


def test_the_layers_of_an_attention_do_not() -> None:
    assert subject("`attention1.q` has other edges") != subject("`attention1.k` has other edges")
