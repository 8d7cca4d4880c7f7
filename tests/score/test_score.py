"""The score: the same each time, in the order that must be, for any shape."""

from __future__ import annotations

import numpy as np
import pytest

import nfc
from nfc.analysis.errors import PropertyError
from nfc.ir.fabric import Fabric
from nfc.score import Score, score
from nfc.score.score import affordable
from nfc.score.trainability import trainability
from tests.build import FABRICS

STEPS = 150


def learned(via: str, rows: int = 64, cols: int = 64) -> float:
    return trainability(nfc.topology(via, rows=rows, cols=cols).ir, steps=STEPS)


def test_the_same_seed_gives_the_same_score_and_another_one_nearly_so() -> None:
    fabric = nfc.topology("monarch", rows=16, cols=16).ir
    one = score(fabric, targets=1)
    assert one == score(fabric, targets=1)
    other = score(fabric, targets=1, seed=1)
    assert other != one
    assert other.score == pytest.approx(one.score, abs=0.1)


def test_dense_learns_more_than_sparse_and_more_weights_more() -> None:
    order = [learned(f"random(fan_in={count}, seed=0)") for count in (2, 8, 24)]
    assert order == sorted(order)
    assert learned("dense") > order[-1] + 0.05


def test_a_block_diagonal_which_does_not_mix_is_below_a_butterfly_of_as_many_weights() -> None:
    assert learned("block(size=16)") + 0.1 < learned("monarch")


def test_a_dense_student_learns_nearly_all() -> None:
    assert 0.9 < trainability(nfc.topology("dense", rows=32, cols=32).ir) <= 1.0


def test_a_diagonal_learns_next_to_nothing() -> None:
    assert learned("diagonal") == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(("rows", "cols"), [(24, 40), (40, 24), (1, 5), (37, 37)])
def test_any_shape_has_a_score(rows: int, cols: int) -> None:
    value = learned("random(fan_in=3, seed=1)" if cols > 3 else "dense", rows, cols)
    assert np.isfinite(value)
    assert value <= 1.0


def test_narrow_layers_bound_what_is_learned() -> None:
    """Through half of the neurons not more than the variance of so many directions passes."""
    spectrum = np.arange(1, 41) ** -0.75
    bound = np.sort(spectrum)[::-1][:24].sum() / spectrum.sum()
    assert learned("dense", 24, 40) < bound < learned("dense", 40, 40) + 0.2


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric_has_a_score(name: str) -> None:
    assert isinstance(trainability(FABRICS[name], steps=3), float)


def test_a_score_holds_what_it_is_made_of() -> None:
    found = score(nfc.topology("dense", rows=8, cols=8).ir, targets=1)
    assert isinstance(found, Score)
    assert (found.controllability, found.stderr) == (1.0, 0.0)
    assert found.score == pytest.approx((2.0 * found.trainability + 1.0) / 3.0)


def family(via: str, rows: int, cols: int) -> Fabric:
    return nfc.topology(via, rows=rows, cols=cols).ir


def test_a_wide_fabric_is_measured_as_its_family_at_a_smaller_width() -> None:
    via = "random(fan_in=2)"
    wide = family(via, 8192, 4096)
    found = affordable(wide, lambda rows, cols: family(via, rows, cols))
    assert (found.rows, found.cols) == (2048, 1024)
    assert affordable(found, lambda rows, cols: family(via, rows, cols)) is found


def test_a_family_of_one_width_is_measured_at_it() -> None:
    def none(rows: int, cols: int) -> Fabric:
        raise ValueError

    wide = family("diagonal", 4096, 4096)
    assert affordable(wide, none) is wide
    assert affordable(wide, None) is wide


@pytest.mark.parametrize(("via", "width"), [("diagonal", 8192), ("dense", 4096)])
def test_what_would_take_minutes_is_refused(via: str, width: int) -> None:
    with pytest.raises(PropertyError) as raised:
        score(family(via, width, width))
    assert raised.value.code == "NF506"


@pytest.mark.parametrize("wrong", [{"targets": 0}, {"seed": -1}, {"seed": 2**64}])
def test_no_target_and_no_seed_of_64_bits_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="found"):
        nfc.topology("diagonal", rows=4, cols=4).score(**wrong)
