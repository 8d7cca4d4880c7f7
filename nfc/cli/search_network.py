"""`nfc search FILE`: a budget divided over the layers of a network."""

from __future__ import annotations

from typing import Any

import click

from nfc.api import read_program
from nfc.cli.output import Output
from nfc.cli.programs import Opening, only_network, require_network
from nfc.cli.question import Question
from nfc.diagnostics import Sink
from nfc.render.divisions import render_division
from nfc.search.allocation import Allocation
from nfc.search.definitions import Definitions
from nfc.search.division import Division, divide
from nfc.search.evaluation import Evaluation
from nfc.search.measure import Effort
from nfc.search.rewiring import rewired
from nfc.search.slots import slots
from nfc.source import Source


def divide_network(
    question: Question, effort: Effort, opening: Opening, evaluation: Evaluation, output: Output, sink: Sink
) -> tuple[dict[str, Any], str]:
    """The fields of the document, and the text; what is wrong is in the sink, or an NfcError."""
    file = question.network_file
    assert file is not None
    program = opening.open(file, sink)
    if program is None:
        return {}, ""
    network = (
        require_network(program, question.network, file) if question.network else only_network(program, file)
    )
    source = program.elaborated.source
    found, fixed = slots(network.ir, source)
    if not found:
        raise click.UsageError(f"`{file}` has no linear layer of its own that could get another topology")
    definitions = Definitions.of(program.elaborated, opening.limits)
    division = divide(found, fixed, question.params, definitions, effort, evaluation, question.families)
    if not division.allocations:
        message = f"the layers take {division.least:,} weights at least"
        raise click.BadParameter(message, param_hint="--params")
    texts = {each.by: _rewired(source, each, opening) for each in division.allocations}
    chosen = question.by or division.allocations[0].by
    document = _document(network.name, question, division, texts[chosen], chosen)
    if question.path:
        from nfc.atomic import write_text

        write_text(question.path, texts[chosen])
    if output.format == "json":
        return document, ""
    text = render_division(document, output.columns, color=output.coloured)
    written = f"wrote {question.path}, divided by {chosen}" if question.path else "-o PATH writes the file"
    return document, f"{text}\n{written}"


def _rewired(source: Source, allocation: Allocation, opening: Opening) -> str:
    """The file with an allocation's topologies.

    Raises:
        NfcError: the file that comes out is wrong.
    """
    topologies = {
        slot.span: point.topology for slot, point in zip(allocation.slots, allocation.points, strict=True)
    }
    text = rewired(source.text, topologies)
    read_program(
        Source(source.name, text),
        opening.parameters,
        opening.limits,
        allow_outside=opening.allow_outside,
        defaults=opening.defaults,
    )
    return text


def _document(name: str, question: Question, division: Division, text: str, chosen: str) -> dict[str, Any]:
    return {
        "network": name,
        "params": question.params,
        "fixed": division.fixed,
        "by": chosen,
        "divisions": [_record(each) for each in division.allocations],
        "text": text,
    }


def _record(allocation: Allocation) -> dict[str, Any]:
    layers = [
        {
            "layer": slot.layers[0],
            "copies": slot.copies,
            "rows": slot.rows,
            "cols": slot.cols,
            "topology": point.topology,
            "params": point.weights,
            "score": point.score,
        }
        for slot, point in zip(allocation.slots, allocation.points, strict=True)
    ]
    return {
        "by": allocation.by,
        "params": allocation.weights,
        "score": allocation.score,
        "layers": layers,
    }
