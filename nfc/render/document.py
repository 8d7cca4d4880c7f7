"""What a verb found, as every format shows it: diagnostics, assertions, and what nfc itself could not do."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic
from nfc.source import Span

STANDARD_INPUT_NAME = "<stdin>"


@dataclass(frozen=True, slots=True)
class Case:
    """An assertion with its outcome.

    Attributes:
        file: the name of the file that was checked, as given.
        layer: the layer that it is about, empty where the assertion names it or is about the network.
        span: its condition.
        ignored: whether a comment or the configuration says that its failure does not count.
        measured: as people read it.
        bounds: the other sides, where the assertion does not say their values.
        evidence, reason: why it fails, and what the file gives as its reason; empty without.
        diagnostic: the error that reports a failure.
    """

    file: str
    network: str
    layer: str
    assertion: str
    span: Span
    ok: bool
    measured: str
    ignored: bool = False
    bounds: tuple[str, ...] = ()
    evidence: str = ""
    reason: str = ""
    diagnostic: Diagnostic | None = None

    @property
    def title(self) -> str:
        """The layer and the assertion."""
        return f"{self.layer}: {self.assertion}" if self.layer else self.assertion

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said beside the measured value: values of bounds, and of a failure evidence and reason."""
        failure = () if self.ok else (self.evidence, self.reason)
        return tuple(note for note in (*self.bounds, *failure) if note)


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake of nfc itself that kept it from a file.

    Attributes:
        kind: the exception's name, or what became of the process.
        message: one line.
    """

    file: str
    kind: str
    message: str

    @property
    def text(self) -> str:
        return (
            f"internal fault: {self.kind}: {self.message}" if self.message else f"internal fault: {self.kind}"
        )


@dataclass(frozen=True, slots=True)
class Ignored:
    """A diagnostic that does not count, by a comment in the source or else by the configuration."""

    diagnostic: Diagnostic
    in_source: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All that a verb has to say in a format for machines.

    Attributes:
        verb: as in `nfc check`.
        diagnostics: those that count.
        files: the files that were read, in order.
        cases: their assertions, in order.
    """

    verb: str
    diagnostics: tuple[Diagnostic, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    files: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """The folder that paths in documents are relative to: a repository's root, so that no machine shows."""

    folder: str

    def path(self, name: str) -> str:
        """A file's path from the base with `/` between its parts; standard input keeps its name."""
        if name == STANDARD_INPUT_NAME:
            return name
        relative = os.path.relpath(os.path.abspath(name), self.folder)  # noqa: PTH100
        return relative.replace(os.sep, "/")


def file_of(diagnostic: Diagnostic) -> str | None:
    """The file that a diagnostic is about."""
    return diagnostic.span.source.name if diagnostic.span else diagnostic.file
