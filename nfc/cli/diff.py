"""`nfc diff`: what changed between two files, in terms of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nfc.cli.completion import complete_file
from nfc.cli.options import output_options, program_options
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.cli.progress import progress
from nfc.diagnostics import NfcError, Severity, Sink, did_you_mean
from nfc.revision import is_revision, revision_file

if TYPE_CHECKING:
    from nfc.api import Program
    from nfc.diffing.program import ProgramDiff


@click.command()
@click.argument("old", shell_complete=complete_file)
@click.argument("new", shell_complete=complete_file)
@click.option(
    "--breaking", is_flag=True, help="Fail on changes that invalidate trained checkpoints or an interface."
)
@program_options
@output_options
def diff(old: str, new: str, breaking: bool, opening: Opening, network: str | None, output: Output) -> int:
    """Say what changed from OLD to NEW: networks, layers, edges, and which checkpoints still load.

    Either may be `git:REV:path`, a file of a git revision, its path from the top of the repository.
    """
    from nfc.cli.changes import diff_record
    from nfc.render.diff import render_diff

    sink = Sink()
    programs = [_opened(opening, file, sink) for file in (old, new)]
    found = None
    before, after = programs
    if before is not None and after is not None:
        _require(network, before, after)
        with progress("comparing"):
            found = _found(before, after, network, sink, breaking=breaking)
    record = diff_record(old, new, found)
    text = render_diff(record, output.style) if found else ""
    kept, _ = output.sifted(sink.diagnostics)
    failed = any(each.severity is Severity.ERROR for each in kept)
    output.result({"ok": not failed, **record}, text, sink.diagnostics)
    return 1 if failed else 0


def _opened(opening: Opening, file: str, sink: Sink) -> Program | None:
    try:
        given = revision_file(file) if is_revision(file) else file
    except NfcError as error:
        for diagnostic in error.diagnostics:
            sink.add(diagnostic)
        return None
    return opening.open(given, sink)


def _require(name: str | None, *programs: Program) -> None:
    names = {each for program in programs for each in program.networks}
    if name is not None and name not in names:
        hint = " ".join(did_you_mean(name, names)) or f"they hold {', '.join(sorted(names)) or 'none'}"
        raise click.BadParameter(f"no network `{name}` in either file; {hint}", param_hint="--network")


def _found(old: Program, new: Program, network: str | None, sink: Sink, *, breaking: bool) -> ProgramDiff:
    from nfc.diffing.program import diff_programs, findings

    found = diff_programs(old.elaborated, new.elaborated, network)
    for finding in findings(found) if breaking else ():
        sink.add(finding)
    return found
