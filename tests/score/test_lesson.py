"""What students are taught: the map is orthogonal, the spectrum is as written."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from nfc.score.lesson import DECAY, FRESH, LEAST_BATCH, SAMPLES, batch_size, lesson


def test_answers_are_an_orthogonal_map_of_the_inputs() -> None:
    taught = lesson(24, seed=5)
    found, *_ = np.linalg.lstsq(taught.inputs.T, taught.answers.T, rcond=None)
    np.testing.assert_allclose(found @ found.T, np.eye(24), atol=1e-4)
    np.testing.assert_allclose(found.T @ taught.fresh_inputs, taught.fresh_answers, atol=1e-4)


def test_the_spectrum_falls_as_a_power_and_has_mean_1() -> None:
    taught = lesson(16, seed=0)
    spectrum = np.linalg.eigvalsh(taught.answers @ taught.answers.T / SAMPLES)[::-1]
    expected = np.arange(1, 17) ** -DECAY
    np.testing.assert_allclose(spectrum, expected / expected.mean(), rtol=0.15)


def test_the_examination_is_on_other_inputs() -> None:
    taught = lesson(8, seed=0)
    assert taught.inputs.shape == (8, SAMPLES)
    assert taught.fresh_inputs.shape == (8, FRESH)
    assert not np.isin(taught.fresh_inputs[0], taught.inputs[0]).any()


def test_seeds_and_rounds() -> None:
    one, other, again = lesson(4, seed=1), lesson(4, seed=2), lesson(4, seed=1)
    assert again is not one  # but drawn anew
    np.testing.assert_array_equal(one.inputs, again.inputs)
    assert not np.allclose(one.inputs, other.inputs)
    rounds = SAMPLES // 64
    batches = [inputs for inputs, _ in islice(one.batches(64), rounds + 1)]
    np.testing.assert_array_equal(batches[0], batches[rounds])
    assert not np.allclose(batches[0], batches[1])


@pytest.mark.parametrize("width", [256, 484, 1024])
def test_a_batch_tells_as_much_of_the_covariance_at_every_width(width: int) -> None:
    rng = np.random.default_rng(width)
    spectrum = np.arange(1, width + 1) ** -DECAY
    errors = []
    for _ in range(20):
        drawn = rng.standard_normal((width, batch_size(width))) * np.sqrt(spectrum)[:, None]
        covariance = drawn @ drawn.T / batch_size(width)
        errors.append(np.sum((covariance - np.diag(spectrum)) ** 2) / np.sum(spectrum**2))
    assert np.mean(errors) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("width", [1, 16, 128, 255])
def test_narrow_students_have_batches_of_the_least_size(width: int) -> None:
    assert batch_size(width) == LEAST_BATCH


def test_a_student_reads_as_many_batches_as_it_takes() -> None:
    taught = lesson(8, seed=0)
    sizes = {inputs.shape[1] for inputs, _ in islice(taught.batches(145), 2 * SAMPLES // 145)}
    assert sizes == {145}
