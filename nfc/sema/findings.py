"""How many findings are reported, and how many get suggestions, so that any input is answered soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nfc.diagnostics import Diagnostic, Severity, Sink, did_you_mean
from nfc.syntax.context import MOST_ERRORS


def suggestions(name: str, known: Iterable[str], sink: Sink) -> tuple[str, ...]:
    """A did-you-mean hint, or nothing once there are more errors than are shown: each looks at all names."""
    return () if len(sink.diagnostics) > MOST_ERRORS else did_you_mean(name, known)


def bounded(ordered: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """The diagnostics up to MOST_ERRORS errors, and a closing line in place of the rest."""
    errors = 0
    for diagnostic in ordered:
        errors += diagnostic.severity is Severity.ERROR
        if errors > MOST_ERRORS:
            message = f"there are more than {MOST_ERRORS} errors; from here on they are not shown"
            yield Diagnostic(diagnostic.code, message, diagnostic.span)
            return
        yield diagnostic
