"""Diagnostics as data: what is wrong, where, and how to mend it. Rendering is in `nfc.render`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from enum import Enum

from nfc.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A secondary place that helps to understand a diagnostic."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        code: `NFxxx`; `nfc explain` prints its page.
        message: one sentence without a full stop: what was expected and what was found.
        span: the primary place; None where a finding has none (a missing file).
        labels: secondary places.
        hints: sentences that say how to mend it, did-you-mean among them.
        file: the name of the file that it is about, where it has no place in one.
    """

    code: str
    message: str
    span: Span | None
    severity: Severity = Severity.ERROR
    labels: tuple[Label, ...] = ()
    hints: tuple[str, ...] = ()
    file: str | None = None


@dataclass
class Sink:
    """Collects the diagnostics of a run, so that one run reports many."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _known: set[Diagnostic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._known = set(self.diagnostics)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic once: copies of a block repeat their findings at the same place."""
        if diagnostic not in self._known:
            self._known.add(diagnostic)
            self.diagnostics.append(diagnostic)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        labels: Sequence[Label] = (),
        hints: Sequence[str] = (),
    ) -> None:
        self.add(Diagnostic(code, message, span, Severity.ERROR, tuple(labels), tuple(hints)))

    def warning(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        labels: Sequence[Label] = (),
        hints: Sequence[str] = (),
    ) -> None:
        self.add(Diagnostic(code, message, span, Severity.WARNING, tuple(labels), tuple(hints)))

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


class NfcError(Exception):
    """The one exception of nfc's interfaces; `diagnostics` says everything that is wrong."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(describe(d) for d in self.diagnostics))


def describe(diagnostic: Diagnostic) -> str:
    """A diagnostic on one line: `file:line:column: error[NFxxx]: message (hint)`."""
    place = f"{diagnostic.span!r}: " if diagnostic.span else ""
    hints = f" ({'; '.join(diagnostic.hints)})" if diagnostic.hints else ""
    return f"{place}{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}{hints}"


def did_you_mean(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """A hint with at most two known names close to `name`, or nothing."""
    close = get_close_matches(name, sorted(set(known)), n=8, cutoff=0.6)
    close = sorted(close, key=lambda match: _likeness(match, name), reverse=True)[:2]
    return (f"did you mean {' or '.join(f'`{match}`' for match in close)}?",) if close else ()


def _likeness(known: str, name: str) -> tuple[float, int]:
    """How like two names are; of equal ones those first that agree in more places, as `NF501` with `NF5O1`."""
    places = sum(first == second for first, second in zip(known, name, strict=False))
    return SequenceMatcher(None, known, name).ratio(), places
