"""The benchmark that trains a winner beside others: its defaults hold together."""

from __future__ import annotations

import sys

import pytest


def test_the_steps_are_those_of_the_study_s_task(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from benchmarks.search import TASK, parse_arguments
    from examples.study.training import usual_steps

    monkeypatch.setattr(sys, "argv", ["search"])
    arguments = parse_arguments()
    assert arguments.steps == usual_steps(TASK)
    assert arguments.params == 8192
