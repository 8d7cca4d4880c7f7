"""Checks of a network's statements that need neither values nor shapes: names, arguments, blocks, labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nfc.diagnostics import Label, Sink, did_you_mean
from nfc.ir.network import SCHEMES
from nfc.sema.findings import suggestions
from nfc.sema.matched import Matched, Statements, operations_in
from nfc.sema.names import NameCheck
from nfc.sema.operations import OPERATIONS, REQUIRED, Operation, Slot, alias_hint
from nfc.sema.predefined import is_topology_name
from nfc.sema.scope import Entry, Scope
from nfc.source import Span
from nfc.syntax import ast

PROJECTION = "project"
"""The label of a residual's projection."""


def check_network(entry: Entry, statements: Statements, sink: Sink) -> None:
    """Check a network's statements; what is wrong is reported and marks the network broken."""
    network = entry.definition
    assert isinstance(network, ast.Network)
    check = _Check(entry.scope, sink, statements)
    check.first_operation(network)
    check.block(network.body, top=True)
    entry.broken |= not check.ok


@dataclass
class _Check:
    scope: Scope
    sink: Sink
    statements: Statements
    ok: bool = True

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        labels: tuple[Label, ...] = (),
        hints: tuple[str, ...] = (),
    ) -> None:
        self.ok = False
        self.sink.error(code, message, span, labels=labels, hints=hints)

    # --- blocks ---

    def first_operation(self, network: ast.Network) -> None:
        first = next((s for s in network.body.statements if not isinstance(s, ast.Init)), None)
        if isinstance(first, ast.BadStatement) or (
            isinstance(first, ast.Operation) and first.name == "input"
        ):
            return
        if any(operation.name == "input" for operation in operations_in(network.body)):
            return  # reported where it stands
        hints = ("write `input [28, 28]`, or the shape of one sample without the batch",)
        message = f"the network `{network.name}` does not begin with its `input`"
        self.error("NF209", message, network.name_span, hints=hints)

    def block(self, block: ast.Block, *, top: bool = False) -> None:
        first = next((s for s in block.statements if isinstance(s, ast.Operation)), None)
        scheme: ast.Init | None = None
        for statement in block.statements:
            match statement:
                case ast.BadStatement():
                    self.ok = False
                case ast.Init():
                    scheme = self._init(statement, scheme, block, top=top)
                case ast.Operation(name="input") if not (top and statement is first):
                    message = "`input` is the first operation of a network, and stands there once"
                    self.error("NF209", message, statement.name_span)
                case ast.Operation():
                    self._operation(statement)
        self.statements.labels[id(block)] = self._labels(block)

    def _init(
        self, statement: ast.Init, earlier: ast.Init | None, block: ast.Block, *, top: bool
    ) -> ast.Init:
        if not top:
            hints = ("move it to the network's own block, or write `init=…` at a layer",)
            message = "`init` sets the default of a whole network and stands in no inner block"
            self.error("NF209", message, statement.span, hints=hints)
        elif earlier is not None:
            labels = (Label(earlier.span, "first set here"),)
            self.error("NF209", "the network's `init` is set twice", statement.span, labels=labels)
        elif statement.scheme not in SCHEMES:
            self._unknown_word("init", statement.scheme, SCHEMES, statement.scheme_span)
        else:
            self.statements.schemes[id(block)] = statement.scheme
        return statement

    def _labels(self, block: ast.Block) -> tuple[str | None, ...]:
        counts: Counter[str] = Counter()
        taken: dict[str, ast.Operation] = {}
        labels: list[str | None] = []
        for statement in block.statements:
            label = None
            if isinstance(statement, ast.Operation) and statement.name != "input":
                label = statement.label
                if label is None:
                    counts[statement.name] += 1
                    label = f"{statement.name}{counts[statement.name]}"
                if label in taken:
                    self._label_twice(label, taken[label], statement)
                taken.setdefault(label, statement)
            labels.append(label)
        return tuple(labels)

    def _label_twice(self, label: str, first: ast.Operation, second: ast.Operation) -> None:
        given, other = (second, first) if second.label is not None else (first, second)
        span = given.label_span or given.span
        if other.label is not None:
            labels = (Label(other.label_span or other.span, "first used here"),)
            self.error("NF202", f"the label `{label}` is used twice in one block", span, labels=labels)
        else:
            why = f"this is `{label}` too, as unlabelled operations are numbered"
            message = f"the label `{label}` is also the name of another operation"
            self.error("NF202", message, span, labels=(Label(other.name_span, why),))

    # --- operations ---

    def _operation(self, node: ast.Operation) -> None:
        operation = OPERATIONS.get(node.name)
        if operation is None:
            self._network_in_place(node)
        else:
            before, self.ok = self.ok, True
            arguments = self._arguments(node, operation)
            self._form(node, operation)
            sound = self.ok
            via_sound = self._via(node)
            self.statements.matched[id(node)] = Matched(operation, arguments, sound, via_sound)
            self.ok = before and sound and via_sound
        for block in node.blocks:
            self.block(block)
        if node.name == "residual" and any(keyword.name == "project" for keyword in node.keywords):
            self._projection_label(node)

    def _projection_label(self, node: ast.Operation) -> None:
        """The projection's own path is `….project`."""
        for inner in (s for block in node.blocks for s in block.statements if isinstance(s, ast.Operation)):
            if inner.label == PROJECTION:
                labels = (Label(node.name_span, f"its projection is `{PROJECTION}`"),)
                message = f"the label `{PROJECTION}` is also the name of the residual's projection"
                self.error("NF202", message, inner.label_span or inner.span, labels=labels)

    def _network_in_place(self, node: ast.Operation) -> None:
        entry = self.scope.names.get(node.name)
        if entry is None or not isinstance(entry.definition, ast.Network | ast.BadDefinition):
            self._unknown_operation(node, entry)
            return
        if isinstance(entry.definition, ast.BadDefinition):
            self.ok = False
            return
        via = () if node.via is None else (node.via,)
        extra = next(iter((*node.positionals, *node.keywords, *node.blocks, *via)), None)
        if extra is not None:
            self.error("NF206", f"the network `{node.name}` takes no arguments", extra.span)
        self.statements.inlined[id(node)] = entry

    def _unknown_operation(self, node: ast.Operation, entry: Entry | None) -> None:
        name = node.name
        if name in self.scope.taken:
            self.ok = False
            return
        if entry is not None or is_topology_name(name):
            kind = entry.kind if entry is not None else "a topology"
            wires = kind in ("a mask", "a topology")
            hints: tuple[str, ...] = (f"a layer wired by it is `linear N via {name}`",) if wires else ()
            self.error("NF207", f"`{name}` is {kind}, not an operation", node.name_span, hints=hints)
            return
        alias = alias_hint(name)
        known = [*OPERATIONS, *self.scope.of_kind(ast.Network, ast.BadDefinition)]
        hints = (alias,) if alias else suggestions(name, known, self.sink)
        if self.scope.incomplete and not hints:
            self.ok = False
            return
        self.error("NF207", f"unknown operation `{name}`", node.name_span, hints=hints)

    def _form(self, node: ast.Operation, operation: Operation) -> None:
        """Blocks and `via`: are they taken, and are they there?"""
        if node.via is not None and not operation.via:
            message = f"`{node.name}` has no wiring and takes no `via`"
            self.error("NF206", message, node.via.span)
        match operation.blocks:
            case "none" if node.blocks:
                self.error("NF206", f"`{node.name}` takes no block", node.blocks[0].span)
            case "one" if len(node.blocks) != 1:
                self._lacks(node, operation, "takes one block")
            case "many" if not node.blocks:
                self._lacks(node, operation, "takes branches, each a block of its own")

    def _lacks(self, node: ast.Operation, operation: Operation, message: str) -> None:
        hints = (f"write `{operation.example}`",)
        self.error("NF206", f"`{node.name}` {message}", node.name_span, hints=hints)

    def _via(self, node: ast.Operation) -> bool:
        if node.via is None:
            return True
        check = NameCheck(self.scope, self.sink)
        check.topology(node.via, {})
        return check.ok

    # --- arguments ---

    def _arguments(self, node: ast.Operation, operation: Operation) -> dict[str, ast.Expression]:
        given: dict[str, ast.Expression] = {}
        for slot, value in zip(operation.positionals, node.positionals, strict=False):
            self._argument(node, slot, value, given)
        self._count(node, operation)
        slots = {slot.name: slot for slot in operation.keywords}
        for keyword in node.keywords:
            if keyword.name not in slots:
                self._unknown_key(node, operation, keyword)
            elif keyword.name in given:
                self.error("NF206", f"`{node.name}` is given `{keyword.name}` twice", keyword.span)
            else:
                self._argument(node, slots[keyword.name], keyword.value, given)
        return given

    def _count(self, node: ast.Operation, operation: Operation) -> None:
        most = len(operation.positionals)
        if len(node.positionals) > most:
            takes = "one argument" if most == 1 else f"{most} arguments" if most else "no argument"
            hints = (f"write `{operation.example}`",)
            if node.name == "linear":
                outputs = node.positionals[-1].span.text
                hints = (f"the inputs are those that arrive: write `linear {outputs}`",)
            self.error("NF206", f"`{node.name}` takes {takes}", node.positionals[most].span, hints=hints)
        required = [s.name for s in operation.positionals[len(node.positionals) :]]
        keys = {keyword.name for keyword in node.keywords}
        required += [s.name for s in operation.keywords if s.default is REQUIRED and s.name not in keys]
        if required:
            self._lacks(node, operation, f"lacks its {' and '.join(required)}")

    def _unknown_key(self, node: ast.Operation, operation: Operation, keyword: ast.Keyword) -> None:
        names = [slot.name for slot in operation.keywords]
        hints = did_you_mean(keyword.name, names)
        if not hints and keyword.name == "via":
            hints = ("write `via TOPOLOGY`, without `=`",)
        if not hints:
            takes = f"its keys are {', '.join(f'`{name}`' for name in names)}" if names else "it takes none"
            hints = (takes,)
        self.error("NF206", f"`{node.name}` has no key `{keyword.name}`", keyword.name_span, hints=hints)

    def _argument(
        self, node: ast.Operation, slot: Slot, value: ast.Expression, given: dict[str, ast.Expression]
    ) -> None:
        if isinstance(value, ast.Name) and value.name in slot.words:
            given[slot.name] = value
        elif slot.kind == "word":
            self._wrong_word(node, slot, value)
        else:
            check = NameCheck(self.scope, self.sink, sizes=False)
            check.value(value, {})
            self.ok &= check.ok
            if check.ok:
                given[slot.name] = value

    def _wrong_word(self, node: ast.Operation, slot: Slot, value: ast.Expression) -> None:
        what = slot.name if slot.name.islower() else node.name
        if isinstance(value, ast.Name):
            self._unknown_word(what, value.name, slot.words, value.span)
            return
        hints = (f"write one of {', '.join(f'`{word}`' for word in slot.words)}, without quotes",)
        self.error("NF205", f"`{what}` takes a word here", value.span, hints=hints)

    def _unknown_word(self, what: str, word: str, words: tuple[str, ...], span: Span) -> None:
        hints = did_you_mean(word, words) or (f"write one of {', '.join(f'`{known}`' for known in words)}",)
        self.error("NF212", f"`{what}` knows no `{word}`", span, hints=hints)
