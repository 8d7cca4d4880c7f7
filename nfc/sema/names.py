"""Checks of the names in expressions: all that can be said without a value or a size.

Definitions that nothing uses are checked too, so every mistake in a name is found where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nfc.diagnostics import Label, Sink
from nfc.sema.calls import Formal, arguments_of, callee, match_call
from nfc.sema.errors import SemanticError
from nfc.sema.findings import suggestions
from nfc.sema.functions import FUNCTIONS
from nfc.sema.kinds import JOINING, TOPOLOGY_OPERATORS, formals_of, is_topology
from nfc.sema.operators import topology_operator
from nfc.sema.predefined import (
    SIZES,
    VARIADIC,
    is_topology_name,
    topology_names,
)
from nfc.sema.scope import Scope, is_free
from nfc.sema.tree import children
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies.family import AUTO

Locals = Mapping[str, Span]
"""Parameters and loop names that an expression sees, with their places."""


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
                self._either(node, local)
            elif expected == "topology":
                self._topology(node, local)
            else:
                self._value(node, local)

    def _either(self, node: ast.Expression, local: Locals) -> None:
        """An argument of a user's definition: a value or a topology, as it looks or as its parameters decide."""
        topology = is_topology(node, self.scope, partial(_undecided, local))
        if topology is None and isinstance(node, ast.Binary):
            self._push((node.left, node.right), "any", local)
        elif topology is False:
            self._value(node, local)
        else:
            self._topology(node, local)

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
            case ast.Binary(operator=operator) if operator in TOPOLOGY_OPERATORS:
                self._report(topology_operator(operator, node.operator_span))
            case ast.Unary(operator="~"):
                self._report(topology_operator("~", node.span))
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
            case ast.Binary(operator=operator) if operator in JOINING:
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
        for error in match.errors:
            self._report(error)
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

    def _report(self, error: SemanticError) -> None:
        self.ok = False
        self.sink.add(error.diagnostic)

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
        hints = suggestions(name, known, self.sink)
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
