"""What changed between two programs, and what of that is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic, Severity
from nfc.diffing.assertions import assertion_changes, assertions
from nfc.diffing.changes import Change
from nfc.diffing.networks import NetworkDiff, network_diffs
from nfc.diffing.parameters import parameter_changes
from nfc.diffing.rules import Breaks, breaks
from nfc.sema.program import Program
from nfc.subjects import subject

CODES = {Breaks.CHECKPOINTS: "NF510", Breaks.INTERFACE: "NF511"}
"""The codes of findings."""


@dataclass(frozen=True)
class ProgramDiff:
    """What became of the networks, the `param`s and the assertions of a file."""

    networks: tuple[NetworkDiff, ...]
    params: tuple[Change, ...]
    checks: tuple[Change, ...]

    @property
    def changes(self) -> Iterator[Change]:
        """All changes."""
        for network in self.networks:
            yield from network.changes
        yield from self.params
        yield from self.checks


def diff_programs(old: Program, new: Program, network: str | None = None) -> ProgramDiff:
    """What changed; with `network`, in the networks of that name alone."""
    before = {name: each for name, each in old.networks.items() if network in (None, name)}
    after = {name: each for name, each in new.networks.items() if network in (None, name)}
    asserted = [
        [each for each in assertions(program.checks, program.constants) if network in (None, each.place[0])]
        for program in (old, new)
    ]
    return ProgramDiff(
        tuple(network_diffs(before, after)),
        tuple(parameter_changes(old.scope, old.values, new.scope, new.values)),
        tuple(assertion_changes(*asserted)),
    )


def findings(diff: ProgramDiff) -> list[Diagnostic]:
    """An error for each change that invalidates checkpoints or an interface; copies of a repeat share one."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for change in diff.changes:
        if breaks(change.rule) is not Breaks.NOTHING:
            place = change.span or change.message
            found.setdefault((change.rule, place, subject(change.message)), []).append(change)
    return [_finding(*changes) for changes in found.values()]


def _finding(first: Change, *others: Change) -> Diagnostic:
    also = f" (and so {len(others)} more of its copies)" if others else ""
    hint = f"`{first.rule}` breaks {breaks(first.rule).value}; `docs/diff.md` lists the rules"
    code = CODES[breaks(first.rule)]
    return Diagnostic(code, first.message + also, first.span, Severity.ERROR, hints=(hint,))
