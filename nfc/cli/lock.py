"""`nfc lock`: digests of every layer, written or compared."""

from __future__ import annotations

import click

from nfc.cli.completion import complete_file
from nfc.cli.configuration import current_settings
from nfc.cli.options import output_options, program_options
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.diagnostics import Severity, Sink


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_file)
@click.option("--check", "checked", is_flag=True, help="Compare with the locks, with the -D that they hold.")
@program_options
@output_options
def lock(files: tuple[str, ...], checked: bool, opening: Opening, network: str | None, output: Output) -> int:
    """Write FILE.lock for each FILE: the digest of every layer and what else decides its networks.

    With --check, say what is no longer as locked, and fail. A folder stands for the .nf files in it, with
    --check for those that have a lock or should have one, and for the locks whose files are gone.
    """
    if "-" in files:
        raise click.UsageError("a lock stands beside its file; standard input has no place")
    if network is not None and not checked:
        raise click.UsageError("--network goes with --check: a lock holds all networks of its file")
    from nfc.cli.locking import Locking, compare_all, write_all

    sink = Sink()
    locking = Locking(opening, network, sink)
    work = compare_all if checked else write_all
    records, lines = work(files, current_settings(), locking)
    kept, _ = output.sifted(sink.diagnostics)
    failed = any(each.severity is Severity.ERROR for each in kept)
    output.result({"ok": not failed, "files": records}, "\n".join(lines), sink.diagnostics)
    return 1 if failed else 0
