"""Checks of the names in expressions: all that can be said without a value or a size.

Definitions that nothing uses are checked too, so every mistake in a name is found where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nfc.diagnostics import Label, Sink, did_you_mean
from nfc.sema.calls import Formal, arguments_of, callee, match_call
from nfc.sema.functions import FUNCTIONS
from nfc.sema.predefined import (
    COMBINATORS,
    SIZES,
    VARIADIC,
    family_parameters,
    is_topology_name,
    topology_names,
)
from nfc.sema.scope import Entry, Scope, is_free
from nfc.sema.tree import children, walk
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies.family import AUTO, REQUIRED, Parameter

Locals = Mapping[str, Span]
"""Parameters and loop names that an expression sees, with their places."""
_TOPOLOGY_OPERATORS = frozenset({">>", "|", "&"})
_EITHER = frozenset({"+", "-"})


def formals_of(name: str, scope: Scope) -> Sequence[Formal] | None:
    """The parameters of a standard topology, combinator, or user's mask or topology; None for another name."""
    parameters: Sequence[Parameter] | None = COMBINATORS.get(name) or family_parameters(name)
    if parameters is not None:
        return [Formal(p.name, p.kind, p.default is REQUIRED) for p in parameters]
    entry = scope.names.get(name)
    if entry is not None and isinstance(entry.definition, ast.Mask | ast.Topology):
        return [Formal(p.name, "any", p.default is None) for p in entry.definition.parameters]
    return None


def is_topology(node: ast.Expression, scope: Scope, is_local: Callable[[str], bool | None]) -> bool | None:
    """Whether an expression is a topology rather than a value; None where a parameter decides it later.

    `is_local` answers for a parameter's name (None: not yet known) and raises KeyError for others.
    """
    while True:
        match node:
            case ast.Binary(operator=operator) if operator in _TOPOLOGY_OPERATORS:
                return True
            case ast.Binary(operator=operator, left=left) if operator in _EITHER:
                node = left
            case ast.Unary(operator=operator):
                return operator == "~"
            case ast.Name() | ast.Call():
                name, _ = callee(node)
                try:
                    return is_local(name)
                except KeyError:
                    return formals_of(name, scope) is not None
            case _:
                return False


@dataclass
class NameCheck:
    """A check of one definition's expressions; `ok` says whether all is well so far.

    `sizes` says whether `rows` and `cols` are at hand.
    """

    scope: Scope
    sink: Sink
    sizes: bool = True
    ok: bool = True
    _pending: list[tuple[ast.Expression, str, Locals]] = field(default_factory=list)

    def value(self, node: ast.Expression, local: Locals) -> None:
        self._run(node, "value", local)

    def topology(self, node: ast.Expression, local: Locals) -> None:
        self._run(node, "topology", local)

    def parameters(self, parameters: Sequence[ast.Parameter]) -> Locals:
        """The names of a definition's parameters; defaults may use the earlier ones."""
        local: dict[str, Span] = {}
        for parameter in parameters:
            if parameter.default is not None and not _is_auto(parameter.default):
                self._run(parameter.default, "any", dict(local))
            self.local(parameter.name, parameter.name_span, local)
        return local

    def local(self, name: str, span: Span, local: dict[str, Span]) -> None:
        """Add a name to the local ones, unless it hides another."""
        if name in local:
            label = Label(local[name], "first defined here")
            self.error("NF202", f"`{name}` is defined twice", span, labels=(label,))
        elif is_free(name, span, self.scope.names, self.sink):
            local[name] = span
        else:
            self.ok = False
            local[name] = span

    def neighbours(self, node: ast.Expression, local: Locals) -> None:
        """The sets of a mask's neighbour form."""
        while isinstance(node, ast.Binary) and node.operator == "+":
            self.neighbours(node.right, local)
            node = node.left
        if not isinstance(node, ast.Set):
            message = "the neighbours of an output are a set in braces"
            self.error("NF205", message, node.span, hints=("write `{ … }`, or `[o, i]` for a predicate",))
            return
        inner = dict(local)
        for clause in node.clauses:
            if isinstance(clause, ast.For):
                self.value(clause.range, inner)
                self.local(clause.name, clause.name_span, inner)
            else:
                self.value(clause.condition, inner)
        for element in node.elements:
            self.value(element, inner)

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        labels: Sequence[Label] = (),
        hints: Sequence[str] = (),
    ) -> None:
        self.ok = False
        self.sink.error(code, message, span, labels=labels, hints=hints)

    def _run(self, node: ast.Expression, expected: str, local: Locals) -> None:
        self._pending.append((node, expected, local))
        while self._pending:
            node, expected, local = self._pending.pop()
            if expected == "any":
                topology = is_topology(node, self.scope, partial(_undecided, local))
                expected = "value" if topology is False else "topology" if topology else "any"
            if expected == "topology":
                self._topology(node, local)
            else:
                self._value(node, local)

    def _push(self, nodes: Iterable[ast.Expression], expected: str, local: Locals) -> None:
        self._pending.extend((node, expected, local) for node in reversed(list(nodes)))

    # --- values ---

    def _value(self, node: ast.Expression, local: Locals) -> None:
        match node:
            case ast.Name():
                self._value_name(node, local)
            case ast.Path():
                message = f"`{node.span.text}` is a path; only checks ask for paths and properties"
                self.error("NF205", message, node.span)
            case ast.Call():
                self._value_call(node, local)
            case ast.Set():
                hints = ("a list is written `[a, b]`",)
                message = "a set of neighbours belongs in a mask; a value is expected here"
                self.error("NF205", message, node.span, hints=hints)
            case _:
                self._push(children(node), "value", local)  # type: ignore[arg-type]

    def _value_name(self, node: ast.Name, local: Locals) -> None:
        name = node.name
        if name in local or (self.sizes and name in SIZES) or self._is_taken(name):
            return
        entry = self.scope.names.get(name)
        if entry is not None and isinstance(entry.definition, ast.Constant | ast.BadDefinition):
            return
        if entry is not None:
            self.error("NF205", f"`{name}` is {entry.kind}; a value is expected here", node.span)
        elif name in SIZES:
            message = f"`{name}` is at hand in topologies and masks alone"
            self.error("NF201", message, node.span)
        elif is_topology_name(name):
            self.error("NF205", f"`{name}` is a topology; a value is expected here", node.span)
        elif name in FUNCTIONS:
            hints = (f"call it as `{FUNCTIONS[name].signature}`",)
            self.error("NF205", f"`{name}` is a function; a value is expected here", node.span, hints=hints)
        else:
            constants = self.scope.of_kind(ast.Constant, ast.BadDefinition)
            self._unknown("name", name, node.span, [*constants, *local, *(SIZES if self.sizes else ())])

    def _value_call(self, node: ast.Call, local: Locals) -> None:
        name = node.function
        if self._is_taken(name):
            return
        if name in FUNCTIONS:
            for argument in node.arguments:
                value = argument.body if isinstance(argument, ast.Each) else argument.value
                if isinstance(argument, ast.Argument):
                    self._push([value], "value", local)
                else:
                    self.error("NF206", f"`{name}` takes no `… in …:`", argument.span)
        elif is_topology_name(name) or formals_of(name, self.scope) is not None:
            self.error("NF205", f"`{name}` is a topology; a value is expected here", node.function_span)
        elif name in local or self._is_value(name):
            self.error("NF205", f"`{name}` is a value and takes no arguments", node.function_span)
        elif not self._is_bad(name):
            self._unknown("function", name, node.function_span, FUNCTIONS)

    # --- topologies ---

    def _topology(self, node: ast.Expression, local: Locals) -> None:
        match node:
            case ast.Binary(operator=operator) if operator in _TOPOLOGY_OPERATORS | _EITHER:
                self._push((node.left, node.right), "topology", local)
            case ast.Unary(operator="~"):
                self._push((node.operand,), "topology", local)
            case ast.Name() | ast.Call():
                self._topology_call(node, local)
            case _:
                self.error("NF205", f"a topology is expected here; found {_what(node)}", node.span)

    def _topology_call(self, node: ast.Name | ast.Call, local: Locals) -> None:
        name, span = callee(node)
        if self._is_taken(name):
            return
        if name in local:
            if isinstance(node, ast.Call):
                self.error("NF206", f"the parameter `{name}` takes no arguments", span)
            return
        if name == "cascade" and _is_each(node):
            self._each(node, local)
            return
        formals = formals_of(name, self.scope)
        if formals is not None:
            self._arguments(node, formals, local)
        elif self._is_value(name) or name in SIZES:
            kind = "a size" if name in SIZES else self.scope.names[name].kind
            self.error("NF205", f"`{name}` is {kind}; a topology is expected here", span)
        elif name in FUNCTIONS:
            self.error("NF205", f"`{name}` is a function of values; a topology is expected here", span)
        elif not self._is_bad(name):
            known = [
                *self.scope.of_kind(ast.Mask, ast.Topology, ast.BadDefinition),
                *local,
                *topology_names(),
            ]
            self._unknown("topology", name, span, known)

    def _arguments(self, node: ast.Name | ast.Call, formals: Sequence[Formal], local: Locals) -> None:
        name, span = callee(node)
        variadic = name in VARIADIC
        match = match_call(node, formals, variadic=variadic)
        self._raise_all(match.errors)
        if variadic and not match.rest:
            hints = (f"write `{name}(a, b, …)`",)
            self.error("NF206", f"`{name}` takes one topology or more", span, hints=hints)
        self._push(match.rest, "topology", local)
        kinds = {formal.name: formal.kind for formal in formals}
        for parameter, value in match.given.items():
            if _is_auto(value) and kinds[parameter] != "topology":
                continue
            kind = kinds[parameter]
            self._push([value], kind if kind in ("any", "topology") else "value", local)

    def _raise_all(self, errors: Iterable[Exception]) -> None:
        for error in errors:
            self.ok = False
            self.sink.add(error.diagnostic)  # type: ignore[attr-defined]

    def _each(self, node: ast.Name | ast.Call, local: Locals) -> None:
        arguments = arguments_of(node)
        each = arguments[0]
        assert isinstance(each, ast.Each)
        if len(arguments) > 1:
            message = "`cascade(s in range: t)` takes nothing more"
            self.error("NF206", message, arguments[1].span)
        self._push([each.range], "value", local)
        inner = dict(local)
        self.local(each.name, each.name_span, inner)
        self._push([each.body], "topology", inner)

    # --- names ---

    def _is_taken(self, name: str) -> bool:
        """Whether a definition wrongly has this name of the language, so that its meaning is open."""
        self.ok &= name not in self.scope.taken
        return name in self.scope.taken

    def _is_value(self, name: str) -> bool:
        entry = self.scope.names.get(name)
        return entry is not None and isinstance(entry.definition, ast.Constant | ast.Network)

    def _is_bad(self, name: str) -> bool:
        entry = self.scope.names.get(name)
        return entry is not None and isinstance(entry.definition, ast.BadDefinition)

    def _unknown(self, what: str, name: str, span: Span, known: Iterable[str]) -> None:
        hints = did_you_mean(name, known)
        if self.scope.incomplete and not hints:
            self.ok = False
            return
        self.error("NF201", f"unknown {what} `{name}`", span, hints=hints)


def _undecided(local: Locals, name: str) -> bool | None:
    if name not in local:
        raise KeyError(name)
    return None


def _is_auto(node: ast.Expression) -> bool:
    return isinstance(node, ast.Name) and node.name == AUTO


def _is_each(node: ast.Name | ast.Call) -> bool:
    arguments = arguments_of(node)
    return bool(arguments) and isinstance(arguments[0], ast.Each)


def _what(node: ast.Expression) -> str:
    match node:
        case ast.Number():
            return "a number"
        case ast.String():
            return "a string"
        case ast.List():
            return "a list"
        case ast.Range():
            return "a range"
        case ast.Set():
            return "a set"
        case _:
            return "a value"


def check_definition(entry: Entry, sink: Sink) -> None:
    """Check the names in a mask's or topology's body and mark the definition broken where one is wrong."""
    definition = entry.definition
    check = NameCheck(entry.scope, sink)
    if isinstance(definition, ast.Topology):
        check.topology(definition.body, check.parameters(definition.parameters))
    elif isinstance(definition, ast.Mask):
        local = dict(check.parameters(definition.parameters))
        check.local(definition.output, definition.output_span, local)
        if definition.input is None:
            check.neighbours(definition.body, local)
        else:
            assert definition.input_span is not None
            check.local(definition.input, definition.input_span, local)
            check.value(definition.body, local)
    entry.broken |= not check.ok


def topologies_named(entry: Entry) -> Iterator[Entry]:
    """The topologies that a topology's definition names."""
    definition = entry.definition
    assert isinstance(definition, ast.Topology)
    expressions = [definition.body, *(p.default for p in definition.parameters if p.default is not None)]
    for node in (part for expression in expressions for part in walk(expression)):
        if isinstance(node, ast.Name | ast.Call):
            other = entry.scope.names.get(callee(node)[0])
            if other is not None and isinstance(other.definition, ast.Topology):
                yield other
