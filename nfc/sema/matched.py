"""What is known of a network's statements before it is elaborated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nfc.sema.operations import OPERATIONS, Operation
from nfc.sema.scope import Entry, network_of
from nfc.syntax import ast


@dataclass(frozen=True)
class Matched:
    """An operation whose arguments have found their slots.

    Attributes:
        arguments: the given ones by slot name; those with mistakes are left out.
        sound: whether nothing was wrong with the operation itself (its blocks aside).
        via_sound: whether its topology has no wrong names.
    """

    operation: Operation
    arguments: dict[str, ast.Expression]
    sound: bool
    via_sound: bool


@dataclass
class Statements:
    """What is known of a network before it is elaborated, by the identity of its syntax nodes."""

    matched: dict[int, Matched] = field(default_factory=dict)
    inlined: dict[int, Entry] = field(default_factory=dict)
    labels: dict[int, tuple[str | None, ...]] = field(default_factory=dict)
    """For each block its statements' labels, given or numbered; None for what has none."""
    schemes: dict[int, str] = field(default_factory=dict)
    """For each network's body the scheme of its `init` statement."""


def operations_in(block: ast.Block) -> Iterator[ast.Operation]:
    """Every operation in a block and its blocks, parents first."""
    pending = [block]
    while pending:
        for statement in pending.pop().statements:
            if isinstance(statement, ast.Operation):
                yield statement
                pending.extend(statement.blocks)


def inlined_networks(entry: Entry) -> Iterator[Entry]:
    """The networks that a network's body names."""
    for operation in operations_in(network_of(entry).body):
        if operation.name not in OPERATIONS:
            other = entry.scope.names.get(operation.name)
            if other is not None and isinstance(other.definition, ast.Network):
                yield other
