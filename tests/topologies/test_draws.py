"""The primitives of the frozen random rule."""

from __future__ import annotations

from math import log, log1p

import numpy as np
import pytest

from nfc import philox
from nfc.topologies.draws import Draws, Purpose, logarithm, logarithm_of_complement

DRAWS = Draws(3, Purpose.N_OF_M, place=2, part=1)


def test_streams_are_numbered_by_the_written_rule() -> None:
    stream = 4 * 2**56 + 2 * 2**32 + 1 * 2**24 + 5
    np.testing.assert_array_equal(DRAWS.integers(5, 9), philox.integers(3, stream, 9))
    np.testing.assert_array_equal(DRAWS.words(5, 9), philox.words(3, stream, 9))


def test_fractions_and_choices_are_the_upper_bits() -> None:
    raw = [int(value) for value in DRAWS.integers(0, 50)]
    assert DRAWS.fractions(0, 50).tolist() == [(value >> 11) / 2**53 for value in raw]
    assert DRAWS.below(0, 50, 1000).tolist() == [((value >> 11) * 1000) >> 53 for value in raw]


@pytest.mark.parametrize(
    "values", [np.linspace(1e-9, 1, 10001), 2.0 ** -np.arange(60), 1 - 2.0 ** -np.arange(1, 53)]
)
def test_logarithm_is_the_logarithm(values: np.ndarray) -> None:
    exact = np.array([log(value) for value in values])
    np.testing.assert_allclose(logarithm(values), exact, rtol=1e-14, atol=2e-16)


@pytest.mark.parametrize("probability", [1e-300, 1e-70, 1e-20, 1e-9, 0.1, 0.5, 0.999999])
def test_logarithm_of_complement(probability: float) -> None:
    assert logarithm_of_complement(probability) == pytest.approx(log1p(-probability), rel=1e-15)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_distinct_numbers(size: int) -> None:
    counts = (
        np.arange(size + 1).repeat(3)[: 3 * (size + 1)]
        if size < 100
        else np.array([0, 1, 400, 500, 501, 1000])
    )
    values = DRAWS.distinct(counts, size)
    assert len(values) == counts.sum()
    for sample, count in zip(np.split(values, np.cumsum(counts)[:-1]), counts, strict=True):
        assert len(set(sample.tolist())) == count
        assert count == 0 or 0 <= sample.min() <= sample.max() < size


@pytest.mark.parametrize("count", [2, 3])
def test_every_choice_is_as_likely(count: int) -> None:
    samples = DRAWS.distinct(np.full(30000, count), 5).reshape(-1, count)
    _, frequency = np.unique(samples, axis=0, return_counts=True)
    choices = 5 * 4 * (3 if count == 3 else 1)
    assert len(frequency) == choices
    expected = 30000 / choices
    assert ((frequency - expected) ** 2 / expected).sum() < choices + 6 * np.sqrt(2 * choices)
