"""`nfc score`: topologies side by side, best first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from nfc.cli.completion import complete_file, complete_topology
from nfc.cli.measuring import Measuring, Meter, definitions_of, measuring_options
from nfc.cli.options import count, output_options, program_options
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.diagnostics import NfcError, Sink

if TYPE_CHECKING:
    from nfc.search.measure import Outcome, Record
    from nfc.search.subject import Subject


@click.command()
@click.argument("topologies", nargs=-1, required=True, metavar="TOPOLOGY…", shell_complete=complete_topology)
@click.option("--in", "cols", type=count, required=True, metavar="N", help="Inputs.")
@click.option("--out", "rows", type=count, metavar="N", help="Outputs; by default as many as inputs.")
@click.option(
    "--file",
    metavar="FILE",
    shell_complete=complete_file,
    help="A file whose masks and topologies may be named.",
)
@measuring_options
@program_options
@output_options
def score(
    topologies: tuple[str, ...],
    cols: int,
    rows: int | None,
    file: str | None,
    measuring: Measuring,
    opening: Opening,
    network: str | None,
    output: Output,
) -> int:
    """Score each TOPOLOGY, an expression such as "butterfly(radix=4)", without data; best first.

    If one is wrong, that is said at once, and none is scored.
    """
    from nfc.render.scores import render_scores

    if network is not None:
        raise click.UsageError("--network has no meaning here: a topology is in no network")
    sink = Sink()
    shape = rows or cols, cols
    definitions = definitions_of(file, opening, sink)
    records: list[Record] = []
    if definitions is not None:
        from nfc.search.subject import Subject

        names = [f"<topology {n}>" for n in range(1, len(topologies) + 1)]
        names = names if len(names) > 1 else ["<topology>"]
        subjects = [
            Subject(each, *shape, definitions, name) for each, name in zip(topologies, names, strict=True)
        ]
        diagnose(subjects, sink)
        records = [] if sink.failed else _records(subjects, measuring, sink)
    document = {"rows": shape[0], "cols": shape[1], "results": records}
    text = render_scores(document, output.columns, color=output.coloured) if records else ""
    output.result(document, text, sink.diagnostics)
    return 1 if sink.failed else 0


def diagnose(subjects: list[Subject], sink: Sink) -> None:
    """Errors of the expressions, which take no time beside the scores."""
    for subject in subjects:
        try:
            subject.fabric()
        except NfcError as error:
            for diagnostic in error.diagnostics:
                sink.add(diagnostic)


def _records(subjects: list[Subject], measuring: Measuring, sink: Sink) -> list[Record]:
    """The records of those that are well, best first, unscored ones last; the sink takes what is wrong."""
    found: dict[int, Outcome] = {}
    try:
        found = _outcomes(subjects, measuring, sink)
    except NfcError as error:
        for diagnostic in error.diagnostics:
            sink.add(diagnostic)
    for number in sorted(found):
        for diagnostic in found[number].diagnostics:
            sink.add(diagnostic)
    records = [found[number].record for number in sorted(found)]
    return sorted((each for each in records if each is not None), key=_rank)


def _outcomes(subjects: list[Subject], measuring: Measuring, sink: Sink) -> dict[int, Outcome]:
    """What came of each topology, by its number."""
    from nfc.search.measure import outcome

    if len(subjects) > 1:
        measuring.note_serial(sink)
    meter, found = Meter(), {}
    with meter.shown(), measuring.workers(len(subjects)).running() as run:
        meter.report("scoring topologies", 0, len(subjects))
        for number, each in run(partial(outcome, effort=measuring.effort), subjects):
            found[number] = each
            meter.report("scoring topologies", len(found), len(subjects))
    return found


def _rank(record: Record) -> tuple[bool, float]:
    score = record["score"]
    return (score is None, 0.0 if score is None else -float(score))
