"""What of a `.nf` file pytest collects: the file, the check blocks of each network, an item an assertion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nfc.pytest_plugin.configuration import definitions, settings
from nfc.pytest_plugin.items import SpecItem

if TYPE_CHECKING:
    from nfc.checks import Result
    from nfc.diagnostics import Diagnostic
    from nfc.source import Span
    from nfc.syntax import ast

ELABORATION = "elaboration"
"""The item of a file that fails for what is wrong with the file itself."""


@dataclass(frozen=True)
class Outcome:
    """What checking a file found.

    Attributes:
        results: one for each assertion and layer; empty where the file has errors.
        diagnostics: all but those that comments or the configuration keep back.
        elaborated: whether the file has a meaning, so that its blocks were run.
    """

    results: tuple[Result, ...]
    diagnostics: tuple[Diagnostic, ...]
    elaborated: bool


class SpecFile(pytest.File):
    """A `.nf` file. It is parsed when it is collected, elaborated and checked when its first item runs."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        yield SpecItem.from_parent(self, name=ELABORATION, spec=self, span=None)
        blocks: dict[str, list[ast.CheckStatement]] = {}
        for check in self._checks():
            blocks.setdefault(check.network, []).extend(check.statements)
        for network, statements in blocks.items():
            yield CheckBlock.from_parent(self, name=network, spec=self, statements=statements)

    def _checks(self) -> list[ast.Check]:
        """The check blocks of a file that parses; why others do not is what `elaboration` says."""
        from nfc.cli import deep_recursion
        from nfc.diagnostics import NfcError, Sink
        from nfc.files import read_source
        from nfc.syntax import ast, parse

        sink = Sink()
        try:
            with deep_recursion():
                file = parse(read_source(self.path, self._limits), sink, self._limits)
        except NfcError:
            return []
        return [] if sink.failed else [each for each in file.definitions if isinstance(each, ast.Check)]

    @property
    def _limits(self) -> Any:
        from nfc.limits import Limits

        return Limits(**dict(settings(self.config).limits))  # type: ignore[arg-type]

    @cached_property
    def outcome(self) -> Outcome:
        from nfc.api import read_program
        from nfc.cli import deep_recursion
        from nfc.diagnostics import NfcError

        with deep_recursion():
            try:
                program = read_program(self._shown, {}, self._limits, defaults=definitions(self.config))
            except NfcError as error:
                return Outcome((), error.diagnostics, elaborated=False)
            report = program.check()
            warnings = [each for network in program.networks.values() for each in network.diagnostics]
        return Outcome(
            report.results, (*program.diagnostics, *warnings, *report.diagnostics), elaborated=True
        )

    @property
    def _shown(self) -> str:
        """The file's path as diagnostics show it."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    def counts(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic fails an item: it is an error that the configuration does not keep back."""
        from nfc.diagnostics import Severity

        return diagnostic.severity is Severity.ERROR and not settings(self.config).ignores(diagnostic)


class CheckBlock(pytest.Collector):
    """The check blocks of one network."""

    def __init__(self, *, spec: SpecFile, statements: Iterable[ast.CheckStatement], **others: Any) -> None:
        super().__init__(**others)
        self._spec = spec
        self._statements = tuple(statements)

    def collect(self) -> Iterator[pytest.Item]:
        seen: dict[str, int] = {}
        for name, span in _assertions(self._statements, ""):
            seen[name] = seen.get(name, 0) + 1
            shown = name if seen[name] == 1 else f"{name} (again {seen[name] - 1})"
            yield SpecItem.from_parent(self, name=shown, spec=self._spec, span=span)


def _assertions(statements: Iterable[ast.CheckStatement], prefix: str) -> Iterator[tuple[str, Span]]:
    """The name and the place of every assertion: `params <= 310k`, `each linear: connected`."""
    from nfc.render.visible import visible
    from nfc.sema.tree import one_line
    from nfc.syntax import ast

    for statement in statements:
        if isinstance(statement, ast.EachLayer):
            yield from _assertions(statement.statements, f"{prefix}each {statement.kind}: ")
        elif isinstance(statement, ast.Assertion):
            yield visible(f"{prefix}{one_line(statement.text)}"), statement.condition.span
