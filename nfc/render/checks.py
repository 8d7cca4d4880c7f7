"""The outcome of check blocks as text: a line an assertion, under its file and network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nfc.render.style import PLAIN, Style
from nfc.render.visible import visible, width

WIDEST = 60
"""Cells of an assertion up to which the measured values stand in one column."""


@dataclass(frozen=True, slots=True)
class Line:
    """An assertion as shown.

    Attributes:
        layer: the layer it is about, empty where the assertion names it or is about the network.
        note: why it fails, and what the file gives as its reason.
    """

    network: str
    ok: bool
    assertion: str
    layer: str
    measured: str
    note: str


def render_checks(file: str, lines: Sequence[Line], style: Style = PLAIN) -> str:
    """A file's assertions by network, without a newline at the end."""
    if not lines:
        return f"{visible(file)}: nothing is asserted"
    column = min(max(width(_statement(line)) for line in lines), WIDEST)
    shown = [style.paint("message", visible(file))]
    for number, line in enumerate(lines):
        if number == 0 or lines[number - 1].network != line.network:
            shown.append(f"  {visible(line.network)}")
        shown.append(f"    {_assertion(line, column, style)}".rstrip())
    held = sum(line.ok for line in lines)
    return "\n".join([*shown, f"{held} of {len(lines)} assertions hold"])


def _statement(line: Line) -> str:
    return visible(f"{line.layer}: {line.assertion}" if line.layer else line.assertion)


def _assertion(line: Line, column: int, style: Style) -> str:
    mark = style.paint("success", "ok  ") if line.ok else style.paint("error", "FAIL")
    statement = _statement(line)
    space = " " * (max(column - width(statement), 0) + 2)
    note = style.paint("faint", f"  {visible(line.note)}") if line.note else ""
    return f"{mark}  {statement}{space}{visible(line.measured)}{note}"
