"""Each command of the study on a grid of seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from examples.study import accuracy, data
from examples.study.__main__ import main
from examples.study.data import Condition
from examples.study.rank import PREDICTORS
from examples.study.topologies import GROUPS, WIDTH, contenders, fabric

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

CHOSEN = ("random(fan_in=4)", "block(size=8)", "lowrank(rank=4)", "dense, 16 wide")


def command(name: str, build: Path) -> None:
    tiny = ["--tasks", "digits/classify/rotated", "--seeds", "2", "--steps", "3", "--topologies", *CHOSEN]
    main([name, "--build", str(build), "--figures", str(build / "figures"), *tiny])


def test_commands_train_rank_and_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("accuracy", tmp_path)
    assert "| `dense, 16 wide` | 4096 |" in capsys.readouterr().out
    results = tmp_path / "accuracy.jsonl"
    lines = results.read_text().splitlines()
    assert len(lines) == 2 * len(CHOSEN)

    results.write_text("\n".join(lines[:-1]) + "\n")  # as if stopped before the last
    command("accuracy", tmp_path)
    again = results.read_text().splitlines()
    assert again[:-1] == lines[:-1]
    assert json.loads(again[-1])["quality"] == json.loads(lines[-1])["quality"]

    command("rank", tmp_path)
    ranked = json.loads((tmp_path / "rankings.json").read_text())
    assert [each["predictor"] for each in ranked] == [*PREDICTORS]
    assert {each["topologies"] for each in ranked} == {3}

    command("figures", tmp_path)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert len(drawn) == 3
    command("figures", tmp_path)
    assert drawn == {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}


def test_groups_hold_about_equal_weights_and_densities_from_1_to_25_per_cent() -> None:
    every = list(contenders())
    for group in GROUPS:
        weights = [each.weights for each in every if each.group == group]
        assert max(weights) <= 1.26 * min(weights)
    topologies = [each for each in every if each.is_topology and each.group != "baseline"]
    assert len(topologies) >= 30
    densities = [each.weights / WIDTH**2 for each in topologies]
    assert min(densities) < 0.02
    assert max(densities) == 0.25
    assert {1, 8} <= {fabric(each.via).depth for each in topologies}


def test_outcomes_survive_the_file() -> None:
    (run,) = accuracy.configurations([accuracy.CONDITIONS[0]], ["torus"], 1, None)
    outcome = accuracy.Outcome(run, 0.5, 0.25, 1.0)
    assert accuracy.from_record(json.loads(json.dumps(accuracy.to_record(outcome)))) == outcome


@pytest.mark.parametrize("form", data.FORMS)
def test_forms_of_inputs_keep_angles_and_what_is_asked(form: str) -> None:
    natural = data.problem(Condition("digits", "reconstruct", "natural"))
    posed = data.problem(Condition("digits", "reconstruct", form))
    np.testing.assert_array_equal(posed.train_targets, natural.train_targets)
    some = slice(0, 50)
    np.testing.assert_allclose(
        posed.train_inputs[some] @ posed.train_inputs[some].T,
        natural.train_inputs[some] @ natural.train_inputs[some].T,
        atol=1e-3,
    )


def test_the_answers_of_reconstruction_are_a_rotation_of_the_inputs() -> None:
    posed = data.problem(Condition("digits", "reconstruct", "rotated"))
    powers = [np.sum(each.astype(float) ** 2, axis=1) for each in (posed.train_inputs, posed.train_targets)]
    np.testing.assert_allclose(*powers, rtol=1e-3)
    assert np.mean(posed.train_targets.astype(float) ** 2) == pytest.approx(1.0, abs=1e-4)


def test_images_are_shrunk_by_their_overlaps() -> None:
    shares = data.overlaps(28, 16)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=0), 16 / 28, rtol=1e-6)
    np.testing.assert_allclose(data.overlaps(4, 2), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
