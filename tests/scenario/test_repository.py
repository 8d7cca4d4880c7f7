"""A pull request that breaks a property fails, by the right check, at the right line, with the right code."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from tests.documents import nfc as run
from tests.scenario.conftest import NET, Repository

CHECK, LOCK, FORMAT = "check .", "lock --check .", "fmt --check ."
DIFF = "diff --breaking git:main:net.nf net.nf"
ALL = (CHECK, LOCK, FORMAT, DIFF)


@dataclass(frozen=True)
class Change:
    """A change, and the checks that catch it.

    Attributes:
        edits: text of a file, and what stands there instead.
        caught: for each command that fails, the code and the line (of `net.nf`) of a diagnostic; the
            formatter has none.
    """

    edits: tuple[tuple[str, str, str], ...]
    caught: dict[str, tuple[str, str]]


def line_of(text: str) -> int:
    """The line of the spec on which a text stands."""
    return NET[: NET.index(text)].count("\n") + 1


def at(text: str) -> str:
    return f"net.nf:{line_of(text)}:"


CHANGES = {
    "a layer is wider than the budget": Change(
        (("net.nf", "random(fan_in=6, seed=1)", "dense"),),
        {
            CHECK: ("NF501", at("params <= 4k")),
            LOCK: ("NF512", at("some:")),
            DIFF: ("NF510", at("some:")),
        },
    ),
    "a neuron reads too little": Change(
        (("net.nf", "ring(2)", "ring(1)"),),
        {
            CHECK: ("NF501", at("each linear")),
            LOCK: ("NF512", at("near:")),
            DIFF: ("NF510", at("near:")),
        },
    ),
    "neurons do not reach each other": Change(
        (("net.nf", "via mixer(8)", "via block(size=8)"),),
        {
            CHECK: ("NF501", at("far.connected")),
            LOCK: ("NF512", at("far:")),
            DIFF: ("NF510", at("far:")),
        },
    ),
    "the network is deeper": Change(
        (("net.nf", "    head: linear 10", "    linear width via ring(2)\n    head: linear 10"),),
        {CHECK: ("NF501", "net.nf:23:"), LOCK: ("NF512", at("head:")), DIFF: ("NF510", at("head:"))},
    ),
    "a seed is another": Change(
        (("net.nf", "seed=1", "seed=2"),),
        {LOCK: ("NF512", at("some:")), DIFF: ("NF510", at("some:"))},
    ),
    "a used file is another": Change(
        (("blocks.nf", "-k..k", "0..2 * k"),),
        {LOCK: ("NF512", at("near:")), DIFF: ("NF510", at("near:"))},
    ),
    "a layer is renamed": Change(
        (("net.nf", "near:", "close:"),),
        {LOCK: ("NF512", at("near:")), DIFF: ("NF510", at("near:"))},
    ),
    "a topology does not exist": Change(
        (("net.nf", "parallel(2, butterfly(radix=r))", "parallel(2, butterflie(radix=r))"),),
        dict.fromkeys((CHECK, LOCK, DIFF), ("NF201", at("topology mixer"))),
    ),
    "a statement does not parse": Change(
        (("net.nf", "    pad width", "    pad = width"),),
        dict.fromkeys(ALL, ("NF1", at("pad width"))),
    ),
    "a residual does not fit": Change(
        (("net.nf", "    head: linear 10", "    residual { linear 10 }\n    head: linear 10"),),
        dict.fromkeys((CHECK, LOCK, DIFF), ("NF3", at("head:"))),
    ),
    "the layout is not canonical": Change(
        (("net.nf", "    pad width", "    pad   width"),),
        {FORMAT: ("", "would reformat net.nf")},
    ),
    "the output is another": Change(
        (("net.nf", "linear 10", "linear 11"),),
        {LOCK: ("NF51", at("head:")), DIFF: ("NF51", at("head:"))},
    ),
}


def test_all_is_green_before(repository: Repository) -> None:
    for command in ALL:
        done = run(command.split())
        assert done.code == 0, done.shown


@pytest.mark.parametrize("name", CHANGES)
def test_a_breaking_change_is_caught(name: str, repository: Repository) -> None:
    change = CHANGES[name]
    for edit in change.edits:
        repository.edit(*edit)
    for command in ALL:
        done = run(command.split())
        assert done.code == (1 if command in change.caught else 0), f"{command}\n{done.shown}"
        assert "Traceback" not in done.shown
        if command in change.caught:
            code, place = change.caught[command]
            assert place in done.shown, f"{command}\n{done.shown}"
            assert code in done.shown


def test_a_lock_that_is_gone_is_missed_by_its_name(repository: Repository) -> None:
    (repository.path / "net.nf.lock").unlink()
    assert run(["lock", "--check", "net.nf"]).code == 1


def test_pytest_is_green_and_then_red(repository: Repository) -> None:
    from tests.test_pytest_plugin import arguments

    command = [sys.executable, "-m", "pytest", *arguments("--nf", "-q")]
    assert repository.run(*command).returncode == 0
    repository.edit("net.nf", "via mixer(8)", "via block(size=8)")
    done = repository.run(*command)
    assert done.returncode == 1
    assert "FAILED net.nf::net::far.connected" in done.stdout
    assert "error[NF501]: `far.connected` does not hold" in done.stdout
    assert "Traceback" not in done.stdout
