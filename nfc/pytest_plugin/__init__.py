"""pytest collects `.nf` files: one item an assertion of their check blocks, failures as `nfc check` shows them.

Opt in by `--nfc` or `--nf`, or by `nf = true` in pytest's configuration. `[tool.nfc]` of `pyproject.toml`
counts as it does for `nfc check`. Nothing but pytest is imported until a `.nf` file is met.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nfc.checks import Result
    from nfc.diagnostics import Diagnostic
    from nfc.settings import Settings
    from nfc.source import Span
    from nfc.syntax import ast

SUFFIX = ".nf"
ELABORATION = "elaboration"
"""The item of a file that fails for what is wrong with the file itself."""
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
DEFINITIONS: pytest.StashKey[Mapping[str, str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("nfc", "nfc: topology checks")
    # pytest's cache has an option `--nf` of its own, short for `--new-first`: then both are meant.
    names = ("--nfc",) if pluginmanager.hasplugin("cacheprovider") else ("--nfc", "--nf")
    group.addoption(
        *names,
        action="store_true",
        dest="nfc",
        help="collect .nf files, an item for each assertion; --nf too",
    )
    group.addoption(
        "--nf-define",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="override a parameter of the .nf files that have it; repeatable",
    )
    parser.addini("nf", "collect .nf files, as --nfc does", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Settle the options before anything is collected, and before pytest-xdist hands them on."""
    config.stash[DEFINITIONS] = dict(map(_definition, config.option.nf_define))
    config.option.nfc = config.option.nfc or config.getini("nf") or "--nf" in _words(config)


def _words(config: pytest.Config) -> list[str]:
    """The options as given, wherever pytest takes them from."""
    return [
        *map(str, config.invocation_params.args),
        *shlex.split(os.environ.get("PYTEST_ADDOPTS", "")),
        *config.getini("addopts"),
    ]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != SUFFIX or not parent.config.option.nfc:
        return None
    if file_path not in _named(parent.config) and settings(parent.config).excludes(str(file_path)):
        return None
    return SpecFile.from_parent(parent, path=file_path)


def settings(config: pytest.Config) -> Settings:
    """`[tool.nfc]`, read once; a usage error where it is wrong."""
    from nfc.diagnostics import NfcError
    from nfc.settings import find_settings

    found = config.stash.get(SETTINGS, None)
    if found is None:
        try:
            found = find_settings(str(config.rootpath))
        except NfcError as error:
            raise pytest.UsageError(str(error)) from None
        config.stash[SETTINGS] = found
    return found


def _named(config: pytest.Config) -> set[Path]:
    """The files that arguments name themselves."""
    start = config.invocation_params.dir
    return {(start / argument.partition("::")[0]).resolve() for argument in config.args}


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and value.strip() and name.strip().isidentifier()):
        raise pytest.UsageError(f"--nf-define: expected NAME=VALUE, found `{text}`")
    return name.strip(), value.strip()


def definitions(config: pytest.Config) -> Mapping[str, object]:
    """What `--nf-define` and the settings say of parameters, for the files that have them."""
    given = config.stash[DEFINITIONS]
    return {**settings(config).define, **given}


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
