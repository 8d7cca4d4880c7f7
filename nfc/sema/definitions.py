"""Checks of masks and topologies, used or not."""

from __future__ import annotations

from collections.abc import Iterator

from nfc.diagnostics import Sink
from nfc.sema.calls import callee
from nfc.sema.names import Locals, NameCheck
from nfc.sema.scope import Entry
from nfc.sema.tree import walk
from nfc.syntax import ast


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
            _check_neighbours(check, definition.body, local)
        else:
            assert definition.input_span is not None
            check.local(definition.input, definition.input_span, local)
            check.value(definition.body, local)
    entry.broken |= not check.ok


def _check_neighbours(check: NameCheck, node: ast.Expression, local: Locals) -> None:
    """The sets of a mask's neighbour form."""
    while isinstance(node, ast.Binary) and node.operator == "+":
        _check_neighbours(check, node.right, local)
        node = node.left
    if not isinstance(node, ast.Set):
        message = "the neighbours of an output are a set in braces"
        check.error("NF205", message, node.span, hints=("write `{ … }`, or `[o, i]` for a predicate",))
        return
    inner = dict(local)
    for clause in node.clauses:
        if isinstance(clause, ast.For):
            check.value(clause.range, inner)
            check.local(clause.name, clause.name_span, inner)
        else:
            check.value(clause.condition, inner)
    for element in node.elements:
        check.value(element, inner)


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
