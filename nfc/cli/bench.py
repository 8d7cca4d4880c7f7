"""`nfc bench`: networks against their dense twins."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import click

from nfc.cli.options import count, output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening, require_network
from nfc.cli.progress import progress
from nfc.defaults import BATCH
from nfc.diagnostics import NfcError, Sink
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network, Program
    from nfc.bench.measure import Result, Settings
    from nfc.bench.roofline import Peak
    from nfc.bench.runtimes import Runtime

PEAK_SECONDS = 0.5
"""How long the machine's arithmetic and its memory are tried, each."""


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
@click.argument("file")
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
    from nfc.bench.available import installed_runtimes
    from nfc.bench.measure import Settings

    sink = Sink()
    program = opening.open(file, sink)
    run = _Run(Settings(batches=batch, threads=threads, seconds=seconds, seed=seed), sink)
    if program is not None:
        networks = _networks(program, network, file)
        try:
            run.plan(networks, installed_runtimes(runtimes, threads), asked=bool(runtimes))
            if not sink.failed:
                run.measure()
        except NfcError as error:
            for diagnostic in error.diagnostics:
                sink.add(diagnostic)
    document = run.document()
    output.result(document, _text(document, output), sink.diagnostics)
    return 1 if sink.failed else 0


@dataclass
class _Run:
    """What is to be timed, what is not, and what came out."""

    settings: Settings
    sink: Sink
    planned: list[tuple[Network, Runtime]] = field(default_factory=list)
    skipped: list[dict[str, object]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    peak: Peak | None = None

    def plan(self, networks: list[Network], runtimes: list[Runtime], *, asked: bool) -> None:
        """Pair networks with runtimes. Who asks for a runtime is told by an error what it cannot time."""
        from nfc.bench.available import refusal, refused
        from nfc.bench.runtimes import RUNTIMES

        names = [runtime.name for runtime in runtimes]
        if not asked:
            self._skip(None, [name for name in RUNTIMES if name not in names], "it is not installed")
        for network in networks:
            for warning in network.diagnostics:
                self.sink.add(warning)
            reasons = {name: refusal(network, name, max(self.settings.batches)) for name in names}
            fitting = [runtime for runtime in runtimes if reasons[runtime.name] is None]
            for reason in dict.fromkeys(reason for reason in reasons.values() if reason):
                unfit = [name for name in names if reasons[name] == reason]
                if asked or not fitting:
                    self.sink.add(refused(network, unfit, reason))
                else:
                    self._skip(network.name, unfit, reason)
            self.planned += [(network, runtime) for runtime in fitting]

    def measure(self) -> None:
        """The machine's peak, then every pair."""
        from nfc.bench.measure import measure
        from nfc.bench.roofline import measure_peak
        from nfc.bench.timing import warm_allocator

        if not self.planned:
            return
        warm_allocator()
        runtimes = list({runtime.name: runtime for _, runtime in self.planned}.values())
        with progress("measuring the machine"):
            self.peak = measure_peak(runtimes, self.settings.threads, PEAK_SECONDS)
        for network, runtime in self.planned:
            with progress(f"timing {visible(network.name)} in {runtime.name}"):
                self.results += measure(network, runtime, self.settings, self.peak)

    def document(self) -> dict[str, Any]:
        """The fields of the JSON document but the diagnostics; results only where all is well."""
        from nfc.bench.machine import machine
        from nfc.bench.records import machine_record, peak_record, result_record

        results = [] if self.sink.failed else self.results
        return {
            "ok": not self.sink.failed,
            "machine": machine_record(machine()),
            "peak": None if self.peak is None else peak_record(self.peak),
            "results": [result_record(result) for result in results],
            "skipped": self.skipped,
        }

    def _skip(self, network: str | None, runtimes: list[str], reason: str) -> None:
        self.skipped += [{"network": network, "runtime": name, "reason": reason} for name in runtimes]


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
