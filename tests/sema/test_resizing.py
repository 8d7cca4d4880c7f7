"""Expressions for other widths: what counts over the width shrinks with it, all else stays as it was written."""

from __future__ import annotations

import pytest

from nfc.limits import Limits
from nfc.sema.resizing import resized


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("block(count=66) >> block(count = 50)", "block(count=33) >> block(count = 25)"),
        ("block(size=16)", "block(size=16)"),
        ("block(16)", "block(16)"),
        ("torus >> dense(width=32) >> dense(12)", "torus >> dense(width=16) >> dense(6)"),
        ("dense(width=1)", "dense(width=1)"),
        ("clos(middle=32)", "clos(middle=23)"),
        ("clos(16, 32) + clos(inputs=16, middle=32)", "clos(16, 32) + clos(inputs=16, middle=32)"),
        ("n_of_m(n=1, m=32, seed=1)", "n_of_m(n=1, m=16, seed=1)"),
        ("bernoulli(density=5%)", "bernoulli(density=0.1)"),
        ("bernoulli(density=80%)", "bernoulli(density=1.0)"),
        ("parallel(2, random(fan_in=8)) # count=4", "parallel(2, random(fan_in=8)) # count=4"),
        ("block(count=2 * 33)", "block(count=2 * 33)"),  # a formula is left alone
        ("block(count=", "block(count="),
    ],
)
def test_half_the_width(text: str, expected: str) -> None:
    assert resized(text, 0.5, Limits()) == expected


@pytest.mark.parametrize("text", ["block(count=7)", "clos(middle=5)", "bernoulli(density=3%)"])
def test_the_same_width_changes_no_number(text: str) -> None:
    assert resized(text, 1.0, Limits()).replace("0.03", "3%") == text
