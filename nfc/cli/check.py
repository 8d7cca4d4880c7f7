"""`nfc check`: elaborate, run the check blocks, print each assertion with its measured value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nfc.cli.options import output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening, require_network
from nfc.cli.progress import progress
from nfc.diagnostics import Sink
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Program
    from nfc.checks import Result
    from nfc.render.checks import Line


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@seed_option("Seed of the weights; nothing that is checked depends on it.")
@program_options
@output_options
def check(files: tuple[str, ...], seed: int, opening: Opening, network: str | None, output: Output) -> int:
    """Elaborate each FILE and run its check blocks; `-` reads standard input.

    With --network, only that network's blocks are run.
    """
    from nfc.render.checks import render_checks

    sink = Sink()
    results: list[Result] = []
    texts: list[str] = []
    for file in files:
        program = opening.open(file, sink)
        if program is None:
            continue
        with progress(f"checking {visible(file)}"):
            found = _run(program, network, file, sink)
        results += found
        texts.append(render_checks(file, [_line(result) for result in found], output.style))
    fields = {"ok": not sink.failed, "checks": [_record(result) for result in results]}
    output.result(fields, "\n\n".join(texts), sink.diagnostics)
    return 1 if sink.failed else 0


def _run(program: Program, network: str | None, file: str, sink: Sink) -> tuple[Result, ...]:
    names = list(program.networks) if network is None else [require_network(program, network, file).name]
    report = program.check(*names)
    findings = [warning for name in names for warning in program[name].diagnostics]
    for diagnostic in (*findings, *report.diagnostics):
        sink.add(diagnostic)
    return report.results


def _record(result: Result) -> dict[str, object]:
    return {
        "network": result.network,
        "layer": result.layer,
        "assertion": result.assertion,
        "file": result.span.source.name,
        "line": result.span.line,
        "ok": result.ok,
        "measured": result.measured,
    }


def _line(result: Result) -> Line:
    from nfc.render.checks import Line

    notes = () if result.ok else (result.evidence, result.reason)
    return Line(
        network=result.network,
        ok=result.ok,
        assertion=result.assertion,
        layer="" if result.layer is None or result.names_layer else result.layer,
        measured=result.text,
        note="; ".join(note for note in notes if note),
    )
