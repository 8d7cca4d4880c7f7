"""The networks of a program: each elaborated once on its own, and again wherever it is inlined."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from nfc.diagnostics import Diagnostic, Sink
from nfc.ir.network import Network
from nfc.limits import Limits
from nfc.sema.budget import Budget
from nfc.sema.constants import Constants
from nfc.sema.elaboration import Elaboration
from nfc.sema.evaluate import evaluate
from nfc.sema.masks.factor import MaskFactors
from nfc.sema.matched import Statements
from nfc.sema.matrix_files import MatrixFiles
from nfc.sema.scope import Entry, Scope
from nfc.sema.slots import SlotValues, slot_values
from nfc.source import Span
from nfc.syntax import ast


@dataclass
class Networks:
    """What the elaborations of a program's networks share."""

    constants: Constants
    statements: Statements
    cyclic: AbstractSet[Entry]
    sink: Sink
    budget: Budget
    matrices: MatrixFiles
    masks: MaskFactors = field(default_factory=MaskFactors)
    _elaborated: dict[Entry, Network | None] = field(default_factory=dict)
    _arguments: dict[int, SlotValues] = field(default_factory=dict)
    _counts: dict[int, int] = field(default_factory=dict)
    _reported: set[tuple[str, Span | None, str]] = field(default_factory=set)

    @property
    def limits(self) -> Limits:
        return self.budget.limits

    def network(self, entry: Entry) -> Network | None:
        """The network of a definition, None where it has errors."""
        if entry in self.cyclic:
            return None
        if entry not in self._elaborated:
            network = Elaboration(self, entry).network()
            entry.broken |= network is None
            self._elaborated[entry] = None if entry.broken else network
        return self._elaborated[entry]

    def arguments(self, node: ast.Operation, scope: Scope) -> SlotValues:
        """The values of an operation's arguments; their mistakes are reported once."""
        if id(node) not in self._arguments:
            found = slot_values(
                self.statements.matched[id(node)],
                lambda expression: evaluate(
                    expression, lambda name: self.constants.look_up(name, scope), self.limits
                ),
            )
            self._arguments[id(node)] = found
            for error in found.errors:
                self.report(error.diagnostic)
        return self._arguments[id(node)]

    def report(self, diagnostic: Diagnostic) -> None:
        """Report what was not yet said of a place: copies of a block repeat their findings."""
        key = (diagnostic.code, diagnostic.span, diagnostic.message)
        if key not in self._reported:
            self._reported.add(key)
            self.sink.add(diagnostic)

    def count(self, block: ast.Block, scope: Scope) -> int:
        """The operations that a block expands to.

        Raises:
            LimitError: NF712 at the innermost operation that passes the limit.
        """
        if id(block) not in self._counts:
            operations = (s for s in block.statements if isinstance(s, ast.Operation))
            counts = (self._count(node, scope) for node in operations if node.name != "input")
            self._counts[id(block)] = sum(counts)
        return self._counts[id(block)]

    def _count(self, node: ast.Operation, scope: Scope) -> int:
        inner = sum(self.count(block, scope) for block in node.blocks)
        other = self.statements.inlined.get(id(node))
        if other is not None and not self._is_known_broken(other):
            assert isinstance(other.definition, ast.Network)
            inner = self.count(other.definition.body, other.scope)
        if node.name == "repeat" and id(node) in self.statements.matched:
            copies = self.arguments(node, scope).values.get("N")
            # Copies are counted even where they hold nothing: each is a step of the elaboration.
            inner = copies * max(inner, 1) if isinstance(copies, int) else inner
        self.budget.check_operations(1 + inner, node.name_span)
        return 1 + inner

    def _is_known_broken(self, entry: Entry) -> bool:
        return entry in self.cyclic or (entry in self._elaborated and self._elaborated[entry] is None)
