"""One assertion as an item of pytest: what makes it fail, and how that is shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nfc.checks import Result
    from nfc.diagnostics import Diagnostic
    from nfc.pytest_plugin.collection import SpecFile
    from nfc.source import Span


class SpecError(Exception):
    """An item fails; `diagnostics` says why."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(each.message for each in self.diagnostics))


class SpecItem(pytest.Item):
    """An assertion at a place of the file; without a place, all that no assertion reports."""

    def __init__(self, *, spec: SpecFile, span: Span | None, **others: Any) -> None:
        super().__init__(**others)
        self._spec = spec
        self._span = span

    def runtest(self) -> None:
        if self._span is None:
            self._elaborate()
        else:
            self._assert(self._span)

    def _elaborate(self) -> None:
        outcome = self._spec.outcome
        reported = [result.diagnostic for result in outcome.results]
        others = [each for each in outcome.diagnostics if each not in reported]
        failing = [each for each in others if self._spec.counts(each)]
        if failing:
            raise SpecError(failing)
        if others:
            self.add_report_section("call", "nfc", self._rendered(others))

    def _assert(self, span: Span) -> None:
        outcome = self._spec.outcome
        results = [
            each for each in outcome.results if (each.span.start, each.span.end) == (span.start, span.end)
        ]
        failing = [each for each in results if not each.ok]
        if not results and outcome.elaborated:
            pytest.skip("the network has no such layer, so this checks nothing")
        if not results:
            raise SpecError(each for each in outcome.diagnostics if self._spec.counts(each))
        counting = [each for each in failing if not self._is_ignored(each)]
        if counting:
            raise SpecError(dict.fromkeys(each.diagnostic for each in counting if each.diagnostic))
        if failing:
            pytest.xfail("the failure is ignored by a comment or the configuration")

    def _is_ignored(self, result: Result) -> bool:
        return result.ignored or (result.diagnostic is not None and not self._spec.counts(result.diagnostic))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, SpecError):
            return self._rendered(excinfo.value.diagnostics)
        return super().repr_failure(excinfo, style)

    def _rendered(self, diagnostics: Iterable[Diagnostic]) -> str:
        from nfc.render.style import COLOURED, PLAIN
        from nfc.render.text import render_text

        writer = self.config.get_terminal_writer()
        return render_text(diagnostics, COLOURED if writer.hasmarkup else PLAIN).rstrip("\n")

    def reportinfo(self) -> tuple[Path, int | None, str]:
        line = None if self._span is None else self._span.line - 1
        return self.path, line, self.name
