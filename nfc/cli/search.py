"""`nfc search`: the best topologies for a place, or for all layers of a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nfc.cli.bench import duration
from nfc.cli.completion import complete_family, complete_file
from nfc.cli.measuring import Measuring, Meter, measuring_options
from nfc.cli.options import count, output_options, program_options
from nfc.cli.output import Output
from nfc.cli.plotting import refuse_undrawable
from nfc.cli.programs import Opening
from nfc.cli.question import OF_A_NETWORK, OF_A_PLACE, Question
from nfc.diagnostics import NfcError, Sink, did_you_mean
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.search.evaluation import Evaluation


KEPT = "nfc: interrupted; the same command goes on from the results in {path}\n"
LOST = "nfc: interrupted; with --results FILE the results are kept, and the same command goes on from them\n"


def families(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of standard families, each once; a click error for any other."""
    if context.resilient_parsing:  # a shell waits for completions, and GENERATORS takes NumPy
        return names
    from nfc.search.generators import GENERATORS

    for name in names:
        if name not in GENERATORS:
            hint = " ".join(did_you_mean(name, GENERATORS)) or f"there are {', '.join(GENERATORS)}"
            raise click.BadParameter(f"no family `{visible(name)}` is searched; {hint}")
    return tuple(dict.fromkeys(names))


@click.command()
@click.argument("network_file", metavar="[FILE]", required=False)
@click.option("--params", type=count, required=True, metavar="BUDGET", help="Weights at most, such as 64k.")
@click.option("--in", "cols", type=count, metavar="N", help="Inputs of the topology.")
@click.option("--out", "rows", type=count, metavar="N", help="Outputs; by default as many as inputs.")
@click.option(
    "--file",
    metavar="FILE",
    shell_complete=complete_file,
    help="A file whose topologies without parameters take part.",
)
@click.option(
    "--min-params",
    "least",
    type=count,
    metavar="N",
    help="Weights at least; default 80% of BUDGET, or of dense if less.",
)
@click.option("--depth", type=count, metavar="N", help="Factors on a path at most.")
@click.option("--fan-in", "fan_in", type=count, metavar="N", help="Edges into a neuron at most.")
@click.option("--time", "seconds", type=duration, metavar="S", help="Predicted seconds of a step at most.")
@click.option("--connected", is_flag=True, help="Every input has to reach every output.")
@click.option(
    "--family",
    "families",
    multiple=True,
    callback=families,
    metavar="NAME",
    shell_complete=complete_family,
    help="Try this family; repeatable.",
)
@click.option("--by", type=click.Choice(["score", "uniform", "erdos_renyi"]), help="The division to write.")
@click.option("-o", "path", metavar="PATH", help="Where the winner, or FILE with new topologies, is written.")
@click.option("--plot", metavar="PATH", help="Draw what was found: .svg, .png or .html.")
@click.option("--results", metavar="FILE", help="Keep results in FILE, and go on from those in it.")
@measuring_options
@program_options
@output_options
def search(
    network_file: str | None,
    results: str | None,
    measuring: Measuring,
    opening: Opening,
    output: Output,
    **options: Any,
) -> int:
    """Find the best topologies for a place (--in, --out), or divide BUDGET over the layers of FILE.

    For a place the standard families are tried with their parameters: all get a first look, and those
    that lead are scored. In FILE every linear layer gets a topology, so that the sum of the scores is as
    large as BUDGET allows; uniform density and Erdős–Rényi-kernel stand beside it.
    """
    from nfc.cli.search_network import divide_network
    from nfc.cli.search_place import search_place

    question = Question(network_file=network_file, **options)
    _check_usage(question)
    _refuse_shared(
        {"--file": question.file, "-o": question.path, "--plot": question.plot, "--results": results}
    )
    answer = search_place if network_file is None else divide_network
    sink = Sink()
    document: dict[str, Any] = {}
    text = ""
    try:
        question.refuse_unwritable(results)
        with _evaluation(measuring, results, sink) as evaluation:
            document, text = answer(question, measuring.effort, opening, evaluation, output, sink)
    except NfcError as error:
        for diagnostic in error.diagnostics:
            sink.add(diagnostic)
    output.result({"ok": not sink.failed, "params": question.params, **document}, text, sink.diagnostics)
    return 1 if sink.failed else 0


@contextmanager
def _evaluation(measuring: Measuring, path: str | None, sink: Sink) -> Iterator[Evaluation]:
    """The workers and the results; who interrupts them is told how to go on."""
    from nfc.search.evaluation import Evaluation
    from nfc.search.results import Results

    results = Results.open(Path(path) if path is not None else None)
    results.note_others(sink)
    measuring.note_serial(sink)
    meter = Meter()
    try:
        with meter.shown(), measuring.workers().running() as run:
            yield Evaluation(run, results, meter.report)
    except KeyboardInterrupt:
        sys.stderr.write(LOST if path is None else KEPT.format(path=visible(path)))
        raise


def _check_usage(question: Question) -> None:
    """Raises click's errors where options do not go together."""
    if question.network_file is None and question.cols is None:
        raise click.UsageError("--in gives the inputs of a topology, or FILE a network")
    others = OF_A_NETWORK if question.network_file is None else OF_A_PLACE
    stray = [flag for name, flag in others.items() if getattr(question, name)]
    if stray:
        needed = "FILE, a network" if question.network_file is None else "--in, without a FILE"
        raise click.UsageError(f"{' and '.join(stray)} goes with {needed}")
    refuse_undrawable(question.plot)
    if question.path == "-":
        raise click.BadParameter("a file is written, not standard output; `./-` is a file", param_hint="-o")
    if question.least and question.least > question.params:
        raise click.BadParameter(f"at most --params, {question.params}", param_hint="--min-params")


def _refuse_shared(paths: Mapping[str, str | None]) -> None:
    """Raises click's error where one file would be written over by another; FILE may be, by itself."""
    flags: dict[str, str] = {}
    for flag, path in paths.items():
        if path is not None:
            other = flags.setdefault(os.path.realpath(path), flag)
            if other != flag:
                raise click.UsageError(f"{other} and {flag} are the same file, `{visible(path)}`")
