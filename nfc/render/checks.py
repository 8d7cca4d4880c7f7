"""The outcome of check blocks as text: a line an assertion, under its file and network."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.render.document import Case
from nfc.render.style import PLAIN, Style
from nfc.render.visible import visible, width

WIDEST = 60
"""Cells of an assertion up to which the measured values stand in one column."""


def render_checks(file: str, cases: Sequence[Case], style: Style = PLAIN) -> str:
    """A file's assertions by network, without a newline at the end."""
    if not cases:
        return f"{visible(file)}: nothing is asserted"
    column = min(max(width(visible(case.title)) for case in cases), WIDEST)
    shown = [style.paint("message", visible(file))]
    for number, case in enumerate(cases):
        if number == 0 or cases[number - 1].network != case.network:
            shown.append(f"  {visible(case.network)}")
        shown.append(f"    {_assertion(case, column, style)}".rstrip())
    return "\n".join([*shown, tally(cases)])


def tally(cases: Sequence[Case]) -> str:
    """How many hold, and how many failures do not count."""
    held = sum(case.ok for case in cases)
    ignored = sum(case.ignored for case in cases)
    return f"{held} of {len(cases)} assertions hold" + (f", {ignored} ignored" if ignored else "")


def _assertion(case: Case, column: int, style: Style) -> str:
    statement = visible(case.title)
    space = " " * (max(column - width(statement), 0) + 2)
    notes = visible("; ".join(case.notes))
    note = style.paint("faint", f"  {notes}") if notes else ""
    return f"{_mark(case, style)}  {statement}{space}{visible(case.measured)}{note}"


def _mark(case: Case, style: Style) -> str:
    if case.ok:
        return style.paint("success", "ok  ")
    return style.paint("warning", "skip") if case.ignored else style.paint("error", "FAIL")
