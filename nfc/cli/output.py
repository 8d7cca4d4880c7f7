"""Where a verb's results and diagnostics go.

Text: results to standard output, diagnostics to standard error. Any other format: one document
with the diagnostics inside to standard output.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic
from nfc.render.style import PLAIN, Style, style_for

WIDE = 160
"""Cells of a line where results go to no terminal."""


@dataclass(frozen=True)
class Output:
    """The answers to `--format`, `--color` and `--quiet`."""

    format: str = "text"
    color: str = "auto"
    quiet: bool = False

    @property
    def style(self) -> Style:
        """The style of results, on standard output."""
        return style_for(self.color, sys.stdout, os.environ)

    @property
    def coloured(self) -> bool:
        return self.style is not PLAIN

    @property
    def columns(self) -> int:
        """Cells of a line of results: the terminal's, or enough for any table."""
        return shutil.get_terminal_size((WIDE, 0)).columns if sys.stdout.isatty() else WIDE

    def result(
        self, fields: Mapping[str, object], text: str, diagnostics: Sequence[Diagnostic] | None = None
    ) -> None:
        """Print a verb's one result: `text`, or `fields` as a document with the diagnostics inside."""
        if self.format == "json":
            from nfc.render.json import diagnostic_records, render_json

            inside = {} if diagnostics is None else {"diagnostics": diagnostic_records(diagnostics)}
            self._write(render_json({**fields, **inside}))
            return
        if text and not self.quiet:
            self._write(text)
        if diagnostics:
            self._report(diagnostics)

    def _report(self, diagnostics: Sequence[Diagnostic]) -> None:
        from nfc.render.text import WIDTH, render_text

        sys.stdout.flush()  # the two streams often share a terminal
        columns = shutil.get_terminal_size((WIDTH, 0)).columns if sys.stderr.isatty() else WIDTH
        style = style_for(self.color, sys.stderr, os.environ)
        sys.stderr.write(render_text(diagnostics, style, columns))

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(f"{text}\n")
