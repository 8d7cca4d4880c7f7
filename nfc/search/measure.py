"""What is measured of a topology: its scores, and all that `nfc score` says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nfc.analysis.errors import PropertyError
from nfc.analysis.properties import FABRIC_PROPERTIES, Measurement
from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink
from nfc.ir.fabric import Fabric
from nfc.score import score
from nfc.score.lesson import LEAST_BATCH
from nfc.score.score import affordable as student_of
from nfc.score.trainability import trainability
from nfc.search.facts import affordable, predicted_seconds
from nfc.search.subject import Subject

Record = dict[str, Measurement | None]
Scores = dict[str, float]
"""`score`, `controllability`, `stderr` and `trainability`; of a first look, which trains a student alone, `score`."""

SCORES = ("score", "controllability", "stderr", "trainability")
FIRST_LOOK = ("score",)

PROPERTIES = ("connected", "paths.cv", "bandwidth", "spectral_gap", "freedom")
"""The properties of a wiring that stand beside its score; in records a point becomes `_`."""


@dataclass(frozen=True)
class Effort:
    """How thoroughly topologies are scored.

    Attributes:
        targets: random matrices whose approximations are averaged.
        seed: of all that is drawn.
        steps: for a first look those that the student is trained, with the least batch at any width,
            and nothing else is measured; None for the score as it is documented.
    """

    targets: int
    seed: int
    steps: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the numbers that it gives."""
        return SCORES if self.steps is None else FIRST_LOOK


@dataclass(frozen=True)
class Outcome:
    """What came of measuring a topology: its record, None where the expression is wrong, and what was found."""

    record: Record | None
    diagnostics: tuple[Diagnostic, ...]


def outcome(subject: Subject, effort: Effort) -> Outcome:
    """The record of a topology; null in it is what would cost too much."""
    sink = Sink()
    try:
        fabric = subject.fabric(sink)
    except NfcError as error:
        return Outcome(None, error.diagnostics)
    found: Record = dict.fromkeys(SCORES)
    try:
        found |= _scores(subject, fabric, effort)
    except PropertyError as error:
        message = f"`{subject.topology}` is not scored: {error.message}"
        sink.add(Diagnostic(error.code, message, None, Severity.WARNING, hints=error.hints))
    record: Record = {
        "topology": subject.topology,
        "params": measured(fabric, "edges"),
        "density": measured(fabric, "density"),
        "depth": measured(fabric, "depth"),
        **found,
        **{name.replace(".", "_"): affordable(partial(measured, fabric, name)) for name in PROPERTIES},
        "seconds": predicted_seconds(fabric),
    }
    return Outcome(record, tuple(sink.diagnostics))


def scores(subject: Subject, effort: Effort) -> Scores | None:
    """The scores of a topology that takes its place; None where they would cost too much."""
    return affordable(lambda: _scores(subject, subject.fabric(), effort))


def _scores(subject: Subject, fabric: Fabric, effort: Effort) -> Scores:
    if effort.steps is not None:
        student = student_of(fabric, subject.smaller)
        learned = trainability(student, seed=effort.seed, steps=effort.steps, batch=LEAST_BATCH)
        return {"score": float(learned)}
    found = score(fabric, targets=effort.targets, seed=effort.seed, smaller=subject.smaller)
    return {name: float(getattr(found, name)) for name in SCORES}


def measured(fabric: Fabric, name: str) -> Measurement:
    """A property of a wiring; raises PropertyError where that would cost too much."""
    return FABRIC_PROPERTIES[name].measure(fabric)
