"""The check of one file, as a process of its own can make it: its input and outcome are plain data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from nfc.cli.programs import Opening, require_network
from nfc.diagnostics import Diagnostic, Severity, Sink
from nfc.opening import STANDARD_INPUT_NAME, real_path
from nfc.render.document import Case, Fault
from nfc.suppressions import UNUSED

if TYPE_CHECKING:
    from nfc.api import Program
    from nfc.checks import Result
    from nfc.source import Source
    from nfc.suppressions import Suppression

Place = tuple[str, int, str]
"""A suppression for all processes: its file, its offset and its code."""

ELSEWHERE = ("NF510", "NF511", "NF512", "NF513", "NF621")
"""What diff, lock, artifacts and compile find: a comment about one of these is not idle here."""


@dataclass(frozen=True)
class Job:
    """A file to check.

    Attributes:
        named: whether an argument names the file; only then it must have the network.
    """

    file: str
    named: bool
    opening: Opening
    network: str | None


@dataclass(frozen=True)
class Outcome:
    """What checking a file found.

    Attributes:
        elaborated: whether the file has a meaning, so that its blocks were run.
        skipped: whether it was left alone, as it lacks the network asked for.
        diagnostics: all of them, those that comments ignore included.
        used: the suppressions that kept something back.
        idle: those of the file itself that did not, where that can be said.
        fault: a mistake of nfc.
        misuse: what is wrong with the options for this file.
    """

    file: str
    elaborated: bool = False
    skipped: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    results: tuple[Result, ...] = ()
    used: frozenset[Place] = frozenset()
    idle: tuple[Suppression, ...] = ()
    fault: Fault | None = None
    misuse: str | None = None


def check_file(job: Job) -> Outcome:
    """Check a file; whatever goes wrong stands in the outcome. With NFC_DEBUG, mistakes of nfc are raised."""
    try:
        return _check(job)
    except click.BadParameter as misuse:
        return Outcome(job.file, misuse=misuse.message)
    except Exception as fault:
        if os.environ.get("NFC_DEBUG"):
            raise
        return Outcome(job.file, fault=fault_of(job.file, fault))


def fault_of(file: str, fault: Exception) -> Fault:
    return Fault(file, type(fault).__name__, str(fault).partition("\n")[0])


def _check(job: Job) -> Outcome:
    sink = Sink()
    program = job.opening.open(job.file, sink)
    if program is None:
        return _with_comments(job.file, sink.diagnostics, _source_of(job.file, sink.diagnostics), ())
    names = _networks(job, program)
    if names is None:
        return Outcome(job.file, skipped=True)
    report = program.check(*names)
    warnings = [warning for name in names for warning in program[name].diagnostics]
    for diagnostic in (*warnings, *report.diagnostics, *report.ignored):
        sink.add(diagnostic)
    outcome = _with_comments(job.file, sink.diagnostics, program.elaborated.source, report.results)
    return replace(outcome, elaborated=True, idle=outcome.idle if job.network is None else ())


def _networks(job: Job, program: Program) -> list[str] | None:
    """The networks whose blocks are run; None where a file that was only found lacks the one asked for."""
    if job.network is None:
        return list(program.networks)
    if job.network not in program.networks and not job.named:
        return None
    return [require_network(program, job.network, job.file).name]


def _with_comments(
    file: str, diagnostics: Sequence[Diagnostic], source: Source | None, results: tuple[Result, ...]
) -> Outcome:
    """The outcome, with what is to be said of the file's ignore comments.

    A suppression is idle only where the file was understood: else what it is about may not have been
    looked at. Where it names an error that cannot be ignored, that is said.
    """
    from nfc.suppressions import Comments, is_ignorable, read_comments, sift, without_effect

    comments = read_comments(source) if source else Comments((), ())
    found = (*diagnostics, *comments.malformed)
    used = sift(found).used
    known = {UNUSED, *ELSEWHERE}
    idle = [each for each in comments.suppressions if each not in used and each.code not in known]
    errors = [each for each in diagnostics if each.severity is Severity.ERROR and not is_ignorable(each)]
    hopeless = [each for each in idle if any(_is_about(each, error) for error in errors)]
    return Outcome(
        file=file,
        diagnostics=(*found, *map(without_effect, hopeless)),
        results=results,
        used=frozenset(map(place_of, used)),
        idle=() if errors else tuple(idle),
    )


def _is_about(suppression: Suppression, error: Diagnostic) -> bool:
    """Whether a suppression names an error of its own source."""
    span = error.span
    return span is not None and span.source == suppression.span.source and suppression.names(error)


def place_of(suppression: Suppression) -> Place:
    span = suppression.span
    return real_path(span.source.name), span.start, suppression.code


def shown_name(file: str) -> str:
    """The name that a file's diagnostics show."""
    return STANDARD_INPUT_NAME if file == "-" else file


def _source_of(file: str, diagnostics: Sequence[Diagnostic]) -> Source | None:
    """The text of a file that has errors, where one is in it."""
    name = shown_name(file)
    spans = (each.span for each in diagnostics if each.span)
    return next((span.source for span in spans if span.source.name == name), None)


def case_of(file: str, result: Result) -> Case:
    """A result as every format shows it."""
    return Case(
        file=shown_name(file),
        network=result.network,
        layer="" if result.layer is None or result.names_layer else result.layer,
        assertion=result.assertion,
        span=result.span,
        ok=result.ok,
        measured=result.text,
        ignored=result.ignored,
        bounds=result.bounds,
        evidence=result.evidence or "",
        reason=result.reason or "",
        diagnostic=result.diagnostic,
    )
