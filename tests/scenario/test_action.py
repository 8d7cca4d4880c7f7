"""The steps of the composite action, run as the shell scripts that they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.documents import ROOT
from tests.scenario.conftest import Repository
from tests.scenario.test_repository import line_of

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
INPUT = re.compile(r"\$\{\{ inputs\.([a-z]+) \}\}")
HOSTILE = '$(touch injected); `touch injected` "; touch injected #'


def environment(step: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """The environment of a step as GitHub makes it."""
    values = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
    return {name: INPUT.sub(lambda match: values[match[1]], text) for name, text in step["env"].items()}


def run(repository: Repository, name: str, /, **inputs: str) -> Any:
    step = STEPS[name]
    return repository.run("bash", "-c", step["run"], **environment(step, inputs))


def test_inputs_reach_scripts_as_variables_alone() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for step in STEPS.values():
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert all(INPUT.fullmatch(value) for value in step["env"].values())


def test_a_sound_repository_passes(repository: Repository) -> None:
    done = run(repository, "Check", fmt="true", lock="true")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_fails_is_annotated_at_its_line(repository: Repository) -> None:
    repository.edit("net.nf", "via mixer(8)", "via   block(size=8)")
    done = run(repository, "Check", fmt="true", lock="true")
    assert done.returncode == 1
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert any(
        "file=net.nf" in line and f"line={line_of('far.connected')}," in line and "NF501" in line
        for line in annotations
    )
    assert any(
        "file=net.nf" in line and f"line={line_of('far:')}," in line and "NF512" in line
        for line in annotations
    )
    assert any(
        "file=net.nf" in line and f"line={line_of('far:')}," in line and "NF114" in line
        for line in annotations
    )


def test_definitions_and_files_are_lists(repository: Repository) -> None:
    repository.edit("net.nf", "param width = 64", "param width = 64\nparam depth = 1")
    sound = run(repository, "Check", files="net.nf\n\n", define="width=64\n\ndepth=2")
    assert sound.returncode == 0, sound.stdout
    wide = run(repository, "Check", files="net.nf", define="width=512")
    assert wide.returncode == 1
    assert "params" in wide.stdout


def test_hostile_inputs_of_the_check_run_nothing(repository: Repository) -> None:
    done = run(repository, "Check", define=HOSTILE, fmt=HOSTILE, lock=HOSTILE)
    assert done.returncode == 2
    missing = run(repository, "Check", files=f"--no-such-option\n{HOSTILE}")
    assert missing.returncode == 1
    assert missing.stdout.count("NF702") == 2
    assert not (repository.path / "injected").exists()


def test_installing_takes_the_package_as_one_word(repository: Repository, tmp_path: Path) -> None:
    """A Python in whose environments `python` notes its arguments stands for the real one."""
    noted = tmp_path / "noted"
    python = tmp_path / "bin" / "fake-python"
    python.write_text(
        f'#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nprintf "%%s|" "$@" > {noted}\\n\' > "$3/bin/python"\n'
        'chmod +x "$3/bin/python"\n',
        "utf-8",
    )
    python.chmod(0o755)
    step = STEPS["Install nfc"]
    variables = {
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_PATH": str(tmp_path / "path"),
        "GITHUB_ACTION_PATH": "/the/action",
    }
    for package, expected in (("", "/the/action"), (HOSTILE, HOSTILE)):
        made = environment(step, {"package": package, "python": str(python)})
        done = repository.run("bash", "-c", step["run"], **made, **variables)
        assert done.returncode == 0, done.stderr
        assert noted.read_text("utf-8").split("|")[:-1] == [
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--", expected)
        ]
    assert not (repository.path / "injected").exists()
    assert (tmp_path / "path").read_text("utf-8").splitlines()[0] == str(tmp_path / "temp" / "nfc" / "bin")
