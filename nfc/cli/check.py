"""`nfc check`: elaborate, run the check blocks, print each assertion with its measured value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import click

from nfc.cli.completion import complete_file
from nfc.cli.configuration import current_settings
from nfc.cli.options import count, output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.cli.progress import progress
from nfc.diagnostics import Diagnostic, Severity, Sink

if TYPE_CHECKING:
    from nfc.checks import Result
    from nfc.cli.checking import Outcome, Place
    from nfc.render.document import Case, Document, Ignored


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_file)
@click.option(
    "--jobs",
    type=count,
    metavar="N",
    help="Processes that check files; default: one, and as many as cores once that takes a second.",
)
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="PATH",
    help="Also verify that this .onnx, .py or .safetensors file holds FILE's network, edge for edge; repeatable.",
)
@seed_option("Seed of the weights; nothing that is checked depends on it.")
@program_options
@output_options
def check(
    files: tuple[str, ...],
    jobs: int | None,
    artifacts: tuple[str, ...],
    seed: int,
    opening: Opening,
    network: str | None,
    output: Output,
) -> int:
    """Elaborate each FILE and run its check blocks; `-` reads standard input.

    A folder is searched for `.nf` files; hidden ones, and folders such as build and node_modules, are
    left out. A pattern such as 'specs/**/*.nf' is matched by nfc where the shell does not. With
    --network, only that network's blocks are run.
    """
    from nfc.cli import FAILED, FAULT, OK
    from nfc.cli.artifacts import verified
    from nfc.cli.checking import Job
    from nfc.cli.parallel import check_files
    from nfc.discovery import discover

    discovery = discover(files, current_settings())
    work = [Job(each.name, each.named, opening, network) for each in discovery.files]
    with progress(f"checking {len(work)} file{'s' * (len(work) != 1)}"):
        outcomes = check_files(work, jobs)
    _refuse_misuse(outcomes, network)
    held = verified(artifacts, [each.name for each in discovery.files], opening, network)
    diagnostics = (*_diagnostics(discovery.diagnostics, outcomes), *held.diagnostics)
    document = _document(outcomes, *output.sifted(diagnostics))
    failed = any(each.severity is Severity.ERROR for each in document.diagnostics)
    fields = {"ok": not (failed or document.faults), "checks": _records(outcomes, document)}
    if document.faults:
        fields["faults"] = [{"file": each.file, "message": each.text} for each in document.faults]
    if held.records:
        fields["artifacts"] = held.records
    output.result(fields, "\n".join([_text(outcomes, document, output), *held.lines]), diagnostics, document)
    return FAULT if _report_faults(document) else FAILED if failed else OK


def _refuse_misuse(outcomes: Sequence[Outcome], network: str | None) -> None:
    """Raises click.BadParameter where the options do not fit the files."""
    for outcome in outcomes:
        if outcome.misuse is not None:
            raise click.BadParameter(outcome.misuse, param_hint="--network")
    if outcomes and all(outcome.skipped for outcome in outcomes):
        raise click.BadParameter(f"no network `{network}` in any of the files", param_hint="--network")


def _diagnostics(first: Iterable[Diagnostic], outcomes: Sequence[Outcome]) -> tuple[Diagnostic, ...]:
    """All diagnostics, each once: files that use the same one repeat what is in it.

    A suppression is unused where it kept nothing back in any of the files.
    """
    from nfc.cli.checking import place_of
    from nfc.suppressions import unused

    used = frozenset["Place"]().union(*(outcome.used for outcome in outcomes))
    sink = Sink(list(first))
    for outcome in outcomes:
        idle = unused(each for each in outcome.idle if place_of(each) not in used)
        for diagnostic in (*outcome.diagnostics, *idle):
            sink.add(diagnostic)
    return tuple(sink.diagnostics)


def _document(
    outcomes: Sequence[Outcome], kept: tuple[Diagnostic, ...], ignored: tuple[Ignored, ...]
) -> Document:
    from nfc.cli.checking import case_of, shown_name
    from nfc.render.document import Document

    kept_back = {each.diagnostic for each in ignored}
    cases = (
        replace(case_of(outcome.file, result), ignored=result.diagnostic in kept_back)
        for outcome in outcomes
        for result in outcome.results
    )
    return Document(
        verb="check",
        diagnostics=kept,
        ignored=ignored,
        files=tuple(shown_name(outcome.file) for outcome in outcomes if not outcome.skipped),
        cases=tuple(cases),
        faults=tuple(outcome.fault for outcome in outcomes if outcome.fault),
    )


def _text(outcomes: Sequence[Outcome], document: Document, output: Output) -> str:
    """A block a file that has a meaning, and where there are several a line for all."""
    from nfc.render.checks import render_checks, tally

    if output.format != "text":
        return ""
    cases = iter(document.cases)
    blocks = []
    for outcome in outcomes:
        own = list(islice(cases, len(outcome.results)))
        if outcome.elaborated:
            blocks.append(render_checks(outcome.file, own, output.style))
    if len(outcomes) > 1:
        blocks.append(f"{len(document.files)} files, {tally(document.cases)}")
    return "\n\n".join(blocks)


def _records(outcomes: Sequence[Outcome], document: Document) -> list[dict[str, object]]:
    results = [result for outcome in outcomes for result in outcome.results]
    return [_record(result, case) for result, case in zip(results, document.cases, strict=True)]


def _record(result: Result, case: Case) -> dict[str, object]:
    return {
        "network": result.network,
        "layer": result.layer,
        "assertion": result.assertion,
        "file": result.span.source.name,
        "line": result.span.line,
        "ok": result.ok,
        "ignored": case.ignored,
        "measured": result.measured,
        "bounds": list(result.bounds),
        "evidence": result.evidence,
        "reason": result.reason,
    }


def _report_faults(document: Document) -> bool:
    """Tell on standard error what nfc could not do; whether there is anything."""
    from nfc.cli import report_fault

    for fault in document.faults:
        report_fault(fault.kind, fault.message, fault.file)
    return bool(document.faults)
