"""`nfc lock`: digests of every layer, written or compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nfc.atomic import write_text
from nfc.cli.completion import complete_file
from nfc.cli.configuration import current_settings
from nfc.cli.options import output_options, program_options
from nfc.cli.output import Output
from nfc.cli.programs import Opening, require_network
from nfc.diagnostics import NfcError, Severity, Sink
from nfc.render.json import Record
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.locks.lock import Lock

SUFFIX = ".lock"


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_file)
@click.option("--check", "checked", is_flag=True, help="Compare with the locks, with the -D that they hold.")
@program_options
@output_options
def lock(files: tuple[str, ...], checked: bool, opening: Opening, network: str | None, output: Output) -> int:
    """Write FILE.lock for each FILE: the digest of every layer and what else decides its networks.

    With --check, say what is no longer as locked, and fail. A folder stands for the .nf files in it, with
    --check for those that have a lock beside them.
    """
    if "-" in files:
        raise click.UsageError("a lock stands beside its file; standard input has no place")
    if network is not None and not checked:
        raise click.UsageError("--network goes with --check: a lock holds all networks of its file")
    from nfc.discovery import discover

    found = discover(files, current_settings())
    sink = Sink(found.diagnostics)
    records: list[Record] = []
    lines: list[str] = []
    for file in (each.name for each in found.files if each.named or not checked or _has_lock(each.name)):
        record, line = _check(file, opening, network, sink) if checked else _write(file, opening, sink)
        records.append(record)
        lines += [line] if line else []
    kept, _ = output.sifted(sink.diagnostics)
    failed = any(each.severity is Severity.ERROR for each in kept)
    output.result({"ok": not failed, "files": records}, "\n".join(lines), sink.diagnostics)
    return 1 if failed else 0


def _has_lock(file: str) -> bool:
    return Path(f"{file}{SUFFIX}").exists()


def _locked(file: str, opening: Opening, network: str | None, sink: Sink) -> Lock | None:
    """The lock that the file would get; None where it has errors."""
    program = opening.open(file, sink)
    if program is None:
        return None
    if network is not None:
        require_network(program, network, file)
    from nfc.locks.lock import lock_of

    return lock_of(program.elaborated, opening.parameters)


def _write(file: str, opening: Opening, sink: Sink) -> tuple[Record, str]:
    path = f"{file}{SUFFIX}"
    found = _locked(file, opening, None, sink)
    if found is not None:
        from nfc.locks.writer import render_lock

        try:
            write_text(path, render_lock(found))
            layers = sum(len(each.view.operations) for each in found.networks.values())
            networks = len(found.networks)
            what = f"{networks} network{'s' * (networks != 1)}, {layers} operation{'s' * (layers != 1)}"
            return _record(file, True), f"wrote {visible(path)} ({what})"
        except NfcError as error:
            _report(error, sink)
    return _record(file, False), ""


def _check(file: str, opening: Opening, network: str | None, sink: Sink) -> tuple[Record, str]:
    from nfc.cli.changes import change_record
    from nfc.locks.compare import compare, findings
    from nfc.locks.reader import read_lock

    try:
        lock = read_lock(f"{file}{SUFFIX}", file, sink)
    except NfcError as error:
        _report(error, sink)
        return _record(file, False), ""
    opening = replace(opening, parameters={**lock.parameters, **opening.parameters})
    found = _locked(file, opening, network, sink)
    if found is None:
        return _record(file, False), ""
    comparison = compare(lock, found, network)
    for finding in findings(comparison.changes, file):
        sink.add(finding)
    record = {
        **_record(file, not comparison.changes),
        "source_changed": comparison.source_changed,
        "changes": [change_record(change) for change in comparison.changes],
    }
    note = "; the source changed, the networks did not" if comparison.source_changed else ""
    return record, "" if comparison.changes else f"{visible(file)}: as locked{note}"


def _record(file: str, ok: bool) -> Record:
    return {"file": file, "lock": f"{file}{SUFFIX}", "ok": ok, "source_changed": None, "changes": []}


def _report(error: NfcError, sink: Sink) -> None:
    for diagnostic in error.diagnostics:
        sink.add(diagnostic)
