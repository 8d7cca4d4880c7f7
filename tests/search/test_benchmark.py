"""The benchmark that trains a winner beside others: its task has as many inputs as the width."""

from __future__ import annotations

import sys

import pytest


def test_the_width_is_that_of_square_images(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from benchmarks.search import parse_arguments

    monkeypatch.setattr(sys, "argv", ["search"])
    assert (parse_arguments().width, parse_arguments().params) == (256, 8192)
    monkeypatch.setattr(sys, "argv", ["search", "--width", "1000"])
    with pytest.raises(SystemExit):
        parse_arguments()
    assert "--width is a square" in capsys.readouterr().err


def test_images_of_any_side_keep_their_second_moment() -> None:
    from examples.study.data import Condition, problem

    posed = problem(Condition("mnist", "reconstruct", "rotated", 8))
    assert posed.train_inputs.shape[1] == posed.test_targets.shape[1] == 64
    assert (posed.train_inputs**2).mean() == pytest.approx(1.0, abs=1e-3)
