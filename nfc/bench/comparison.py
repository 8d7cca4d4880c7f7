"""Networks compared with their dense twins in all runtimes: what is timed, what is not, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from nfc.api import Network
from nfc.bench.available import installed_runtimes, refusal, refused
from nfc.bench.machine import machine
from nfc.bench.measure import Result, Settings, measure
from nfc.bench.records import Record, machine_record, peak_record, result_record
from nfc.bench.roofline import Peak, measure_peak
from nfc.bench.runtimes import RUNTIMES, Runtime
from nfc.bench.timing import warm_allocator
from nfc.diagnostics import NfcError, Sink
from nfc.render.visible import visible

PEAK_SECONDS = 0.5
"""How long the machine's arithmetic and its memory are tried, each."""


@dataclass
class Comparison:
    """A run of `nfc bench`.

    Attributes:
        sink: takes the networks' warnings, and what cannot be timed where that is an error.
        progress: entered around each step that takes long, with a word on what is done in it.
        planned: the pairs that are timed, in this order.
        skipped: records of the document, of networks and runtimes that are not timed.
        results: of the pairs that have been timed.
        peak: the machine's, None before anything is timed.
    """

    settings: Settings
    sink: Sink
    progress: Callable[[str], AbstractContextManager[None]]
    planned: list[tuple[Network, Runtime]] = field(default_factory=list)
    skipped: list[Record] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    peak: Peak | None = None

    def run(self, networks: Sequence[Network], asked: Sequence[str]) -> None:
        """Time networks in the runtimes asked for, or without any in all; the sink takes every error."""
        try:
            self._plan(networks, installed_runtimes(asked, self.settings.threads), asked=bool(asked))
            if self.planned and not self.sink.failed:
                self._measure()
        except NfcError as error:
            for diagnostic in error.diagnostics:
                self.sink.add(diagnostic)

    def document(self) -> dict[str, Any]:
        """The fields of the JSON document but the diagnostics; results only where all is well."""
        results = [] if self.sink.failed else self.results
        return {
            "ok": not self.sink.failed,
            "machine": machine_record(machine()),
            "peak": None if self.peak is None else peak_record(self.peak),
            "results": [result_record(result) for result in results],
            "skipped": self.skipped,
        }

    def _plan(self, networks: Sequence[Network], runtimes: Sequence[Runtime], *, asked: bool) -> None:
        """Pair networks with runtimes. Who asks for a runtime is told by an error what it cannot time."""
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

    def _skip(self, network: str | None, runtimes: Sequence[str], reason: str) -> None:
        self.skipped += [{"network": network, "runtime": name, "reason": reason} for name in runtimes]

    def _measure(self) -> None:
        """The machine's peak, then every pair."""
        warm_allocator()
        runtimes = list({runtime.name: runtime for _, runtime in self.planned}.values())
        with self.progress("measuring the machine"):
            self.peak = measure_peak(runtimes, self.settings.threads, PEAK_SECONDS)
        for network, runtime in self.planned:
            with self.progress(f"timing {visible(network.name)} in {runtime.name}"):
                self.results += measure(network, runtime, self.settings, self.peak)
