"""A lock against the networks at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic, Severity
from nfc.diffing.changes import Change
from nfc.diffing.views import view_diffs
from nfc.locks.lock import Lock
from nfc.subjects import subject

HARMLESS = {"OPERATION_RENAMED"}
"""Rules of changes that leave a lock valid: names that no state dict holds."""


@dataclass(frozen=True)
class Comparison:
    """What a lock says that is no longer so; `source_changed` tells of the text alone."""

    changes: tuple[Change, ...]
    source_changed: bool


def compare(locked: Lock, found: Lock, network: str | None = None) -> Comparison:
    """What changed since a lock was written; with `network`, in that one alone."""
    views = [
        {name: each.view for name, each in lock.networks.items() if network in (None, name)}
        for lock in (locked, found)
    ]
    changes = [
        change for diff in view_diffs(*views) for change in diff.changes if change.rule not in HARMLESS
    ]
    if _given(locked) != _given(found):
        before, after = (_defines(lock) for lock in (locked, found))
        message = f"the lock was written with {before}, the file is elaborated with {after}"
        changes.insert(0, Change("PARAM_DEFAULT", message, None, before, after))
    return Comparison(tuple(changes), locked.source != found.source)


def _given(lock: Lock) -> dict[str, str]:
    return {**lock.configured, **lock.parameters}


def _defines(lock: Lock) -> str:
    """The values that parameters were given, and where."""
    options = [f"-D {name}={value}" for name, value in sorted(lock.parameters.items())]
    settings = [f"{name}={value}" for name, value in sorted(lock.configured.items())]
    where = [f"{' '.join(settings)} of [tool.nfc.define]"] if settings else []
    return " and ".join([*([" ".join(options)] if options else []), *where]) or "no -D"


def findings(changes: tuple[Change, ...], file: str) -> Iterator[Diagnostic]:
    """An error for each change at its line; copies of a repeat share one."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        place = change.span or change.message
        groups.setdefault((change.rule, place, subject(change.message)), []).append(change)
    hints = (f"`nfc lock {file}` accepts the change",)
    for first, *others in groups.values():
        also = f" (and so {len(others)} more of its copies)" if others else ""
        message = f"not as locked: {first.message}{also}"
        yield Diagnostic(
            "NF512", message, first.span, Severity.ERROR, hints=hints, file=None if first.span else file
        )
