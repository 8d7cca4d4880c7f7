"""`nfc search --in N --out N`: the topologies for one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from nfc.cli.measuring import definitions_of
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.cli.question import Question
from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink
from nfc.render.scores import render_found
from nfc.search.bounds import SHARE, Bounds
from nfc.search.definitions import Definitions
from nfc.search.evaluation import Evaluation
from nfc.search.measure import SCORES, Effort, Record
from nfc.search.search import Found, Verdict, search, standard_subjects
from nfc.search.subject import Subject
from nfc.search.winner import use_path, winner_text

NOTHING = (
    "no topology keeps to the bounds, so that there is nothing to write: {considered} candidates were looked "
    "at; --min-params, by default 80% of --params or of dense, may ask for too many weights"
)
UNSCORED = (
    "all of the {admitted} topologies within the bounds cost too much to score: there is nothing to write"
)


def search_place(
    question: Question, effort: Effort, opening: Opening, evaluation: Evaluation, output: Output, sink: Sink
) -> tuple[dict[str, Any], str]:
    """The fields of the document, and the text; what is wrong is in the sink, or an NfcError."""
    if question.path and question.file and opening.parameters:
        raise click.UsageError("-D does not go with -o: the file that is written cannot hold overrides")
    assert question.cols is not None
    rows, cols = question.rows or question.cols, question.cols
    use = use_path(question.file, question.path) if question.file and question.path else question.file
    definitions = definitions_of(question.file, opening, sink)
    if definitions is None:
        return {}, ""
    bounds = _bounds(question, rows, cols)
    subjects = standard_subjects(rows, cols, bounds, definitions, question.families)
    own = definitions.own_topologies()
    _warn_of_misfits(own, rows, cols, definitions, sink)
    verdict = search(
        [Subject(name, rows, cols, definitions) for name in own] + subjects, bounds, effort, evaluation
    )
    document: dict[str, Any] = {
        "rows": rows,
        "cols": cols,
        "params": question.params,
        "considered": verdict.considered,
        "admitted": verdict.admitted,
        "results": [_record(each) for each in verdict.found],
        "winner": _winner(verdict, rows, cols, definitions, use, set(own)),
    }
    _write(question, document)
    return document, _text(document, question, output)


def _warn_of_misfits(
    names: Sequence[str], rows: int, cols: int, definitions: Definitions, sink: Sink
) -> None:
    """A warning for each topology of the file that is left out, with the reason."""
    for name in names:
        try:
            definitions.fabric(name, rows, cols)
        except NfcError as error:
            first = error.diagnostics[0]
            message = f"`{name}` does not take part, {cols} → {rows}: {first.message}"
            sink.add(Diagnostic(first.code, message, None, Severity.WARNING, hints=first.hints))


def _bounds(question: Question, rows: int, cols: int) -> Bounds:
    """By default no more is asked for than a dense layer has."""
    return Bounds(
        params=question.params,
        least=question.least or int(SHARE * min(question.params, rows * cols)),
        depth=question.depth,
        fan_in=question.fan_in,
        seconds=question.seconds,
        connected=question.connected,
    )


def _record(found: Found) -> Record:
    facts = found.facts
    return {
        "topology": facts.topology,
        "params": facts.params,
        "density": facts.density,
        "depth": facts.depth,
        **{name: found.scores[name] for name in SCORES},
        "fan_in": facts.fan_in,
        "connected": facts.connected,
        "seconds": facts.seconds,
        "digest": facts.digest,
        "leading": found.leading,
    }


def _winner(
    verdict: Verdict, rows: int, cols: int, definitions: Definitions, use: str | None, own: set[str]
) -> str | None:
    """The text of the winner's file; it uses FILE where the winner is a topology of it."""
    if not verdict.found:
        return None
    best = verdict.found[0]
    used = use if best.facts.topology in own else None
    return winner_text(best.facts, best.scores, rows, cols, use=used, taken=definitions.names())


def _write(question: Question, document: dict[str, Any]) -> None:
    """Raises NfcError: NF750, a file cannot be written; click's error where there is no winner to write."""
    from nfc.atomic import write_bytes, write_text

    if question.path and document["winner"] is None:
        raise click.UsageError((UNSCORED if document["admitted"] else NOTHING).format_map(document))
    if question.path:
        write_text(question.path, document["winner"])
    if question.plot:
        from nfc.render.plots import draw_found

        write_bytes(question.plot, draw_found(document, question.plot))


def _text(document: dict[str, Any], question: Question, output: Output) -> str:
    """The table, and the winner's file: its text, or where it was written."""
    if output.format == "json":
        return ""
    table = render_found(document, output.columns, color=output.coloured)
    if document["winner"] is None:
        return table
    written = [f"wrote {path}" for path in (question.path, question.plot) if path]
    winner = [] if question.path else [document["winner"].rstrip("\n")]
    return "\n\n".join([table, *winner, *(["\n".join(written)] if written else [])])
