"""Where a verb's results and diagnostics go.

Text: results to standard output, diagnostics to standard error. Any other format: one document
with the diagnostics inside to standard output.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from nfc.diagnostics import Diagnostic
from nfc.render.style import PLAIN, Style, style_for
from nfc.render.visible import harmless

if TYPE_CHECKING:
    from nfc.render.document import Document, Ignored

WIDE = 160
"""Cells of a line where results go to no terminal."""


@dataclass(frozen=True)
class Output:
    """The answers to `--format`, `--color` and `--quiet`.

    Attributes:
        ignores: whether the configuration keeps a diagnostic's code back.
    """

    format: str = "text"
    color: str = "auto"
    quiet: bool = False
    ignores: Callable[[Diagnostic], bool] = lambda diagnostic: False

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
        self,
        fields: Mapping[str, object],
        text: str,
        diagnostics: Sequence[Diagnostic] | None = None,
        document: Document | None = None,
    ) -> None:
        """Print a verb's one result.

        Args:
            fields: what JSON has beside the diagnostics.
            text: what standard output gets in the text format.
            diagnostics: those that comments or the configuration ignore are left out; None where the
                verb can have none, and its JSON no list.
            document: what other formats have; by default the diagnostics.
        """
        from nfc.render.document import Document

        kept, ignored = self.sifted(diagnostics or ())
        if self.format == "json":
            from nfc.render.json import diagnostic_records, render_json

            inside = {} if diagnostics is None else {"diagnostics": diagnostic_records(kept)}
            self._write(render_json({**fields, **inside}))
        elif self.format == "text":
            if text and not self.quiet:
                self._write(text)
            if kept:
                self._report(kept)
        else:
            verb = click.get_current_context().info_name or ""
            self._write_document(document or Document(verb=verb, diagnostics=kept, ignored=ignored))

    def sifted(self, diagnostics: Sequence[Diagnostic]) -> tuple[tuple[Diagnostic, ...], tuple[Ignored, ...]]:
        """The diagnostics that count, and those that comments or the configuration keep back."""
        from nfc.render.document import Ignored

        if not diagnostics:
            return (), ()
        from nfc.suppressions import is_ignorable, sift

        sifted = sift(diagnostics)
        kept = [each for each in sifted.kept if not (is_ignorable(each) and self.ignores(each))]
        configured = (each for each in sifted.kept if is_ignorable(each) and self.ignores(each))
        ignored = [Ignored(each, in_source=True) for each in sifted.ignored]
        return tuple(kept), (*ignored, *(Ignored(each, in_source=False) for each in configured))

    def _write_document(self, document: Document) -> None:
        from nfc.render.document import Base

        base = Base(_root(os.environ))
        match self.format:
            case "github":
                from nfc.render.github import render_github

                text = render_github(document, base)
            case "sarif":
                from nfc.render.sarif import render_sarif

                text = render_sarif(document, base)
            case _:
                from nfc.render.junit import render_junit

                text = render_junit(document, base)
        if text:
            sys.stdout.write(f"{text}\n")

    def _report(self, diagnostics: Sequence[Diagnostic]) -> None:
        from nfc.render.text import WIDTH, render_text

        sys.stdout.flush()  # the two streams often share a terminal
        columns = shutil.get_terminal_size((WIDTH, 0)).columns if sys.stderr.isatty() else WIDTH
        style = style_for(self.color, sys.stderr, os.environ)
        sys.stderr.write(harmless(render_text(diagnostics, style, columns)))

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(f"{harmless(text)}\n")


def _root(environment: Mapping[str, str]) -> str:
    """What paths in documents start at: the repository's root in GitHub Actions, else the working directory."""
    here = os.path.realpath(os.curdir)
    workspace = environment.get("GITHUB_WORKSPACE")
    root = os.path.realpath(workspace) if workspace else here
    return root if here.startswith(os.path.join(root, "")) else here  # noqa: PTH118
