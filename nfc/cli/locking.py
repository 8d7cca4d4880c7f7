"""Locks written and compared, file by file, for `nfc lock`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nfc.atomic import write_text
from nfc.cli.changes import change_record
from nfc.cli.programs import Opening, require_network
from nfc.diagnostics import NfcError, Sink
from nfc.discovery import Discovery, discover
from nfc.locks.compare import compare, findings
from nfc.locks.coverage import SUFFIX, Coverage, missing_lock, nothing_locked, orphaned_lock
from nfc.locks.lock import Lock, lock_of
from nfc.locks.reader import read_lock
from nfc.locks.writer import render_lock
from nfc.render.json import Record
from nfc.render.visible import visible
from nfc.settings import Settings

Report = tuple[list[Record], list[str]]
"""The records of files, and the lines of text about them."""


@dataclass(frozen=True)
class Locking:
    """How files are elaborated, the network that is asked for, and what takes the diagnostics."""

    opening: Opening
    network: str | None
    sink: Sink

    def write(self, file: str) -> tuple[Record, str]:
        """Write the lock of a file."""
        path = f"{file}{SUFFIX}"
        found = self._found(file, self.opening)
        if found is not None:
            try:
                write_text(path, render_lock(found))
                layers = sum(len(each.view.operations) for each in found.networks.values())
                networks = len(found.networks)
                what = f"{networks} network{'s' * (networks != 1)}, {layers} operation{'s' * (layers != 1)}"
                return _record(file, True), f"wrote {visible(path)} ({what})"
            except NfcError as error:
                self._report(error)
        return _record(file, False), ""

    def compare(self, file: str) -> tuple[Record, str]:
        """Compare a file with its lock, elaborated with the `-D` that the lock holds."""
        try:
            lock = read_lock(f"{file}{SUFFIX}", file, self.sink)
        except NfcError as error:
            self._report(error)
            return _record(file, False), ""
        parameters = {**lock.parameters, **self.opening.parameters}
        found = self._found(file, replace(self.opening, parameters=parameters))
        if found is None:
            return _record(file, False), ""
        comparison = compare(lock, found, self.network)
        for finding in findings(comparison.changes, file):
            self.sink.add(finding)
        record = {
            **_record(file, not comparison.changes),
            "source_changed": comparison.source_changed,
            "changes": [change_record(change) for change in comparison.changes],
        }
        note = "; the source changed, the networks did not" if comparison.source_changed else ""
        return record, "" if comparison.changes else f"{visible(file)}: as locked{note}"

    def has_networks(self, file: str) -> bool:
        """Whether there is anything to lock in a file; one that is wrong may have it."""
        from nfc.files import read_source
        from nfc.syntax import ast, parse

        sink = Sink()
        try:
            definitions = parse(read_source(file, self.opening.limits), sink, self.opening.limits).definitions
        except NfcError:
            return True
        return sink.failed or any(isinstance(each, ast.Network) for each in definitions)

    def _found(self, file: str, opening: Opening) -> Lock | None:
        """The lock that the file would get; None where it has errors."""
        program = opening.open(file, self.sink)
        if program is None:
            return None
        if self.network is not None:
            require_network(program, self.network, file)
        return lock_of(program.elaborated, opening.parameters, program.configured)

    def _report(self, error: NfcError) -> None:
        for diagnostic in error.diagnostics:
            self.sink.add(diagnostic)


def write_all(arguments: Sequence[str], settings: Settings, locking: Locking) -> Report:
    """Write the locks of the files that the arguments mean: of those in folders that should have one."""
    found = _discovered(arguments, settings, locking)
    locked = set(_coverage(found, arguments, settings).compared)
    records: list[Record] = []
    lines: list[str] = []
    for each in found.files:
        taken = each.named or each.name in locked
        if not (taken or (settings.wants_lock(each.name) is not False and locking.has_networks(each.name))):
            continue
        record, line = locking.write(each.name)
        records.append(record)
        lines += [line] if line else []
    if found.files and not records:
        lines.append("no lock is written: no file here has networks and should have one")
    return records, lines


def compare_all(arguments: Sequence[str], settings: Settings, locking: Locking) -> Report:
    """Compare the files that the arguments mean with their locks: those in folders that have one.

    Files there that lack theirs are reported, and so are locks without files.
    """
    found = _discovered(arguments, settings, locking)
    coverage = _coverage(found, arguments, settings)
    locked, missing = set(coverage.compared), dict(coverage.missing())
    records: list[Record] = []
    lines: list[str] = []
    for each in found.files:
        file = each.name
        if each.named or file in locked:
            record, line = locking.compare(file)
            records.append(record)
            lines += [line] if line else []
        elif file in missing and locking.has_networks(file):
            locking.sink.add(missing_lock(file, missing[file]))
            records.append(_record(file, False))
    orphans = [lock for lock in coverage.locks if not os.path.lexists(lock.removesuffix(SUFFIX))]
    for lock in orphans:
        locking.sink.add(orphaned_lock(lock))
        records.append(_record(lock.removesuffix(SUFFIX), False))
    if found.files and not records and settings.lock != ():
        locking.sink.add(nothing_locked(arguments))
    return records, lines


def _discovered(arguments: Sequence[str], settings: Settings, locking: Locking) -> Discovery:
    found = discover(arguments, settings)
    for diagnostic in found.diagnostics:
        locking.sink.add(diagnostic)
    return found


def _coverage(found: Discovery, arguments: Sequence[str], settings: Settings) -> Coverage:
    locks = discover(arguments, settings, SUFFIX).files
    files = (each.name for each in found.files if not each.named)
    return Coverage(tuple(files), tuple(each.name for each in locks if not each.named), settings.wants_lock)


def _record(file: str, ok: bool) -> Record:
    return {"file": file, "lock": f"{file}{SUFFIX}", "ok": ok, "source_changed": None, "changes": []}
