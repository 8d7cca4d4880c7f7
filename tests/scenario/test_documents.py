"""The files of other tools that `docs/ci.md` shows are ones that those tools take."""

from __future__ import annotations

import tomllib

import yaml

from tests.documents import ROOT, blocks

SHOWN = {
    block.title or block.language: block for block in blocks((ROOT / "docs" / "ci.md").read_text("utf-8"))
}


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    workflow = yaml.safe_load(SHOWN[".github/workflows/topology.yml"].text)
    (job,) = workflow["jobs"].values()
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    (step,) = (step for step in job["steps"] if "/nfc@" in step["uses"])
    assert set(step["with"]) <= set(action["inputs"])
    assert workflow["permissions"] == {"contents": "read"}


def test_the_table_lists_every_input() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert [name for name in action["inputs"] if f"`{name}`" not in text] == []


def test_the_hooks_exist() -> None:
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    (repository,) = yaml.safe_load(SHOWN[".pre-commit-config.yaml"].text)["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == hooks


def test_pytest_reads_the_option() -> None:
    assert tomllib.loads(SHOWN["toml"].text)["tool"]["pytest"]["ini_options"] == {"nf": True}
