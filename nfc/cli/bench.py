"""`nfc bench`: networks against their dense twins."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import click

from nfc.cli.completion import complete_file
from nfc.cli.options import count, output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening, require_network
from nfc.cli.progress import progress
from nfc.defaults import BATCH
from nfc.diagnostics import Sink
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network, Program


def batches(text: str) -> tuple[int, ...]:
    """Positive integers with commas between them."""
    return tuple(map(count, text.split(",")))


def duration(text: str) -> float:
    """Seconds: a positive number that is finite; a click error for any other text."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = nan
    if not (isfinite(seconds) and seconds > 0):
        raise click.BadParameter(
            f"expected a positive number of seconds such as 0.5, found `{visible(text)}`"
        )
    return seconds


@click.command()
@click.argument("file", shell_complete=complete_file)
@click.option(
    "--batch", type=batches, default=str(BATCH), metavar="N,…", help=f"Samples of a call; default {BATCH}."
)
@click.option("--threads", type=count, default="1", metavar="N", help="Threads of an operation; default 1.")
@click.option(
    "--seconds",
    type=duration,
    default="2",
    metavar="S",
    help="How long each row of the table is measured; default 2.",
)
@click.option(
    "--runtime",
    "runtimes",
    type=click.Choice(["torch", "onnxruntime"]),
    multiple=True,
    help="What runs the networks; by default all that is installed.",
)
@seed_option("Seed of the initial weights.")
@program_options
@output_options
def bench(
    file: str,
    batch: tuple[int, ...],
    threads: int,
    seconds: float,
    runtimes: tuple[str, ...],
    seed: int,
    opening: Opening,
    network: str | None,
    output: Output,
) -> int:
    """Time FILE's networks, compiled, against their dense twins in the same run."""
    from nfc.bench.comparison import Comparison
    from nfc.bench.measure import Settings

    sink = Sink()
    program = opening.open(file, sink)
    settings = Settings(batches=batch, threads=threads, seconds=seconds, seed=seed)
    comparison = Comparison(settings, sink, progress)
    if program is not None:
        comparison.run(_networks(program, network, file), runtimes)
    document = comparison.document()
    output.result(document, _text(document, output), sink.diagnostics)
    return 1 if sink.failed else 0


def _networks(program: Program, name: str | None, file: str) -> list[Network]:
    """The network named, or all; a usage error where there is none."""
    if name is not None:
        return [require_network(program, name, file)]
    if not program.networks:
        raise click.UsageError(f"`{file}` holds no network")
    return list(program.networks.values())


def _text(document: dict[str, Any], output: Output) -> str:
    from nfc.render.bench import render_bench

    return "" if output.format == "json" else render_bench(document, output.columns, color=output.coloured)
