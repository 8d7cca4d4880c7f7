"""A program: the networks of a file and its check blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nfc.api.items import named
from nfc.api.network import Network
from nfc.diagnostics import Diagnostic, Severity, Sink
from nfc.limits import Limits

if TYPE_CHECKING:
    from nfc.checks import Result
    from nfc.sema.program import Program as Elaborated


@dataclass(frozen=True)
class Report:
    """The outcome of a program's check blocks.

    Attributes:
        results: one an assertion, with its network, text, whether it holds, and the measured value.
        diagnostics: an error for each that fails or cannot be measured.
        ignored: those of them that comments of the file say do not count.
    """

    results: tuple[Result, ...]
    diagnostics: tuple[Diagnostic, ...]
    ignored: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        return all(each.severity is not Severity.ERROR for each in self.diagnostics)


class Program:
    """An elaborated file: its networks by name, and its check blocks.

    Attributes:
        networks: in the order of the file.
        diagnostics: the warnings of elaboration.
        configured: the values that `defaults` gave to parameters.
    """

    def __init__(
        self,
        elaborated: Elaborated,
        limits: Limits,
        diagnostics: tuple[Diagnostic, ...],
        configured: Mapping[str, object],
    ) -> None:
        self._elaborated = elaborated
        self._limits = limits
        self.diagnostics = diagnostics
        self.configured = configured
        self.networks = {name: Network(network) for name, network in elaborated.networks.items()}

    @property
    def elaborated(self) -> Elaborated:
        """What the file means, its networks not yet initialised."""
        return self._elaborated

    def __getitem__(self, name: str) -> Network:
        """A network by name; KeyError where there is none."""
        return named(name, self.networks, "network")

    @property
    def network(self) -> Network:
        """The only network; ValueError where there are none or several."""
        if len(self.networks) != 1:
            names = ", ".join(self.networks) or "none"
            raise ValueError(f"expected a program with one network, found {names}; name it: program[…]")
        return next(iter(self.networks.values()))

    def check(self, *names: str) -> Report:
        """Run the check blocks, of the networks named or of all."""
        from nfc.checks import run
        from nfc.suppressions import sift

        chosen = {name: self[name] for name in names or self.networks}
        sink = Sink()
        results = run(self._elaborated, {name: each.ir for name, each in chosen.items()}, sink, self._limits)
        sifted = sift(sink.diagnostics)
        marked = (replace(each, ignored=each.diagnostic in sifted.ignored) for each in results)
        return Report(tuple(marked), sifted.kept, sifted.ignored)

    def __repr__(self) -> str:
        return f"<nfc.Program with {', '.join(self.networks) or 'no network'}>"
