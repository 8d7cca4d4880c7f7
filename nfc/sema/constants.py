"""The values of `param` and `let`, of all files at once, and `-D` overrides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from nfc.diagnostics import Label, Sink, did_you_mean
from nfc.limits import Limits
from nfc.sema.errors import AlreadyReported, EvaluationError, SemanticError
from nfc.sema.evaluate import evaluate
from nfc.sema.graph import dependency_order
from nfc.sema.names import NameCheck
from nfc.sema.scope import Entry, Scope
from nfc.sema.tree import walk
from nfc.sema.values import Value, is_integer, is_number, is_small, kind_of, show
from nfc.source import Source
from nfc.syntax import ast, parse_expression

Overrides = Mapping[str, str | Value]
"""New values of `param`s: text is read as an expression, other values are taken as they are."""


@dataclass
class Constants:
    """The values of the constants that have one, by entry."""

    values: dict[Entry, Value] = field(default_factory=dict)

    def look_up(self, node: ast.Name | ast.Path, scope: Scope) -> Value:
        """The value of a name in a scope.

        Raises:
            EvaluationError: it is no constant.
            AlreadyReported: it is one, but broken.
        """
        entry = scope.names.get(node.span.text if isinstance(node, ast.Path) else node.name)
        if entry in self.values:
            return self.values[entry]
        if entry is None or not isinstance(entry.definition, ast.Constant | ast.BadDefinition):
            raise EvaluationError("NF201", f"unknown name `{node.span.text}`", node.span)
        raise AlreadyReported

    def visible(self, scope: Scope) -> dict[str, Value]:
        """The constants that a file sees and that have a value, by name."""
        return {name: self.values[entry] for name, entry in scope.names.items() if entry in self.values}


def evaluate_constants(
    scopes: Sequence[Scope], overrides: Overrides, sink: Sink, limits: Limits
) -> Constants:
    """Evaluate every constant of every file, each after those it needs; mistakes are reported.

    Args:
        scopes: the root file's first.
    """
    entries = [entry for scope in scopes for entry in scope.own.values() if _is_constant(entry)]
    for entry in entries:
        check = NameCheck(entry.scope, sink, sizes=False)
        check.value(_constant(entry).value, {})
        entry.broken |= not check.ok
    order, cycles = dependency_order(entries, _needs)
    for cycle in cycles:
        report_cycle(cycle, entries, "is defined by itself", sink)
    constants = Constants()
    replacements = _replacements(entries, overrides, sink, limits)
    for entry in order:
        _evaluate(entry, replacements.get(entry), constants, sink, limits)
    return constants


def report_cycle(cycle: tuple[Entry, ...], entries: Sequence[Entry], message: str, sink: Sink) -> None:
    """Report a cycle at its first definition, with the way round it; all in it become broken."""
    position = {entry: index for index, entry in enumerate(entries)}
    start = min(range(len(cycle)), key=lambda index: position[cycle[index]])
    way = cycle[start:] + cycle[:start]
    chain = " → ".join(f"`{entry.name}`" for entry in (*way, way[0]))
    labels = [Label(entry.name_span, "part of the cycle") for entry in way[1:]]
    sink.error(
        "NF204", f"{way[0].kind[2:]} `{way[0].name}` {message}: {chain}", way[0].name_span, labels=labels
    )
    for entry in cycle:
        entry.broken = True


def _is_constant(entry: Entry) -> bool:
    return isinstance(entry.definition, ast.Constant)


def _constant(entry: Entry) -> ast.Constant:
    assert isinstance(entry.definition, ast.Constant)
    return entry.definition


def _needs(entry: Entry) -> Iterator[Entry]:
    for node in walk(_constant(entry).value):
        if isinstance(node, ast.Name):
            needed = entry.scope.names.get(node.name)
            if needed is not None and _is_constant(needed):
                yield needed


def _evaluate(
    entry: Entry, replacement: _Replacement | None, constants: Constants, sink: Sink, limits: Limits
) -> None:
    if entry.broken:
        return
    try:
        value = evaluate(_constant(entry).value, lambda node: constants.look_up(node, entry.scope), limits)
        constants.values[entry] = value if replacement is None else replacement.value(value)
    except SemanticError as error:
        entry.broken = True
        sink.add(error.diagnostic)
    except AlreadyReported:
        entry.broken = True


# --- overrides -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Replacement:
    """A value for a `param` from outside, to be compared with the kind of the one in the file."""

    name: str
    given: str | Value
    limits: Limits

    def value(self, default: Value) -> Value:
        if isinstance(default, str):
            return self._string()
        value = self._parsed() if isinstance(self.given, str) else self.given
        fits = is_number(value) if isinstance(default, float) else kind_of(value) == kind_of(default)
        if not fits:
            integral = is_integer(default) and isinstance(value, float)
            hint = f"write `param {self.name} = {show(default)}.0` in the file to admit fractions"
            raise SemanticError(
                "NF208",
                f"`{self.name}` is {kind_of(default)} ({show(default)}); found {kind_of(value)} ({show(value)})",
                None,
                hints=(hint,) if integral else (),
            )
        self._check_bounds(value)
        return value

    def _check_bounds(self, value: Value) -> None:
        """Hold a value from Python to what evaluation holds its own to: finite floats, bounded integers."""
        if not is_small(value, self.limits.operations, self.limits.nesting):
            message = f"`{self.name}` holds more than {self.limits.operations} values, or nests too deep"
            raise SemanticError("NF711", message, None)
        pending = [value]
        while pending:
            inner = pending.pop()
            if isinstance(inner, tuple):
                pending.extend(inner)
            elif isinstance(inner, float) and not isfinite(inner):
                message = f"`{self.name}` takes finite numbers; found {show(inner)}"
                raise SemanticError("NF208", message, None)
            elif isinstance(inner, int) and inner.bit_length() > self.limits.integer_bits:
                message = f"an integer given for `{self.name}` has more than {self.limits.integer_bits} bits"
                raise SemanticError("NF711", message, None)

    def _string(self) -> str:
        """Text for a string needs no quotes."""
        if not isinstance(self.given, str):
            message = f"`{self.name}` is a string; found {kind_of(self.given)} ({show(self.given)})"
            raise SemanticError("NF208", message, None)
        quoted = len(self.given) >= 2 and self.given[0] == self.given[-1] == '"'
        return self.given[1:-1] if quoted else self.given

    def _parsed(self) -> Value:
        assert isinstance(self.given, str)
        sink = Sink()
        expression = parse_expression(Source(f"-D {self.name}", self.given), sink, self.limits)
        if expression is None:
            raise SemanticError.of(sink.diagnostics[0])
        return evaluate(expression, self._no_names, self.limits)

    def _no_names(self, node: ast.Name | ast.Path) -> Value:
        message = (
            f"the value given for `{self.name}` holds the name `{node.span.text}`; names have no value there"
        )
        hints = (f"write the number itself, as in `-D {self.name}=64`",)
        raise EvaluationError("NF208", message, node.span, hints=hints)


def _replacements(
    entries: Sequence[Entry], overrides: Overrides, sink: Sink, limits: Limits
) -> dict[Entry, _Replacement]:
    found: dict[Entry, _Replacement] = {}
    for name, given in overrides.items():
        named = [entry for entry in entries if entry.name == name]
        parameters = [entry for entry in named if _constant(entry).overridable]
        if parameters:
            found.update((entry, _Replacement(name, given, limits)) for entry in parameters)
        elif named:
            label = Label(named[0].name_span, "defined here")
            message = f"`{name}` is a `let` and cannot be overridden"
            sink.error("NF208", message, None, labels=(label,), hints=(f"write `param {name} = …` there",))
        else:
            _report_unknown(name, entries, sink)
    return found


def _report_unknown(name: str, entries: Sequence[Entry], sink: Sink) -> None:
    known = sorted({entry.name for entry in entries if _constant(entry).overridable})
    listed = (
        f"the parameters are {', '.join(f'`{k}`' for k in known[:8])}" if known else "there is no `param`"
    )
    hints = did_you_mean(name, known) or (listed,)
    sink.error("NF208", f"there is no parameter `{name}` to override", None, hints=hints)
