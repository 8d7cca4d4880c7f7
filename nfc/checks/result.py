"""The outcome of an assertion."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.diagnostics import Diagnostic
from nfc.sema.values import Value, is_number, show
from nfc.source import Span

Measured = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Result:
    """An assertion about a network, or about one layer of it (all its copies together).

    Attributes:
        assertion: its condition as written, on one line.
        reason: what `as` says.
        measured: the value of the side that asks for a property; where copies differ, that of the
            first copy that fails, or `least..greatest` as text; None where the assertion could not
            be evaluated, which a diagnostic explains.
        text: the measured value as people read it.
        layer: the path of the layer that an `each` block or the assertion is about, as checks
            write it; of a single copy where that one fails.
        names_layer: whether the assertion as written says which layer that is.
        bounds: the sides that are not measured, as `limit is 40`, where the text does not say it.
        evidence: where a failure shows: an unreached pair, the neuron with the most inputs …
        diagnostic: the error that reports a failure.
        ignored: a comment of the file, or the configuration, says that the failure does not count.
    """

    network: str
    assertion: str
    reason: str | None
    span: Span
    ok: bool
    measured: Measured | None
    text: str
    layer: str | None
    names_layer: bool
    bounds: tuple[str, ...]
    evidence: str | None
    diagnostic: Diagnostic | None
    ignored: bool = False


DIGEST = "sha256:"


def shown(value: Value) -> str:
    """A value for people: floats to six digits, digests whole, so that an assertion can hold them."""
    if isinstance(value, str) and value.startswith(DIGEST):
        return f'"{value}"'
    return f"{value:.6g}" if isinstance(value, float) else show(value)


def plain(value: Value) -> Measured:
    """A value as a number, a boolean or a text."""
    return value if isinstance(value, bool | str) or is_number(value) else show(value)  # type: ignore[return-value]
