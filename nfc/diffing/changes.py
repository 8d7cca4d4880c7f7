"""Changes of one network's operations: a record each, with the rule that it falls under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nfc.diffing.alignment import align
from nfc.diffing.edges import EdgeChange, edge_change
from nfc.diffing.operations import PROJECT, Operation
from nfc.source import Span

FACT_RULES = {
    "bias": "LAYER_BIAS",
    "norm": "NORM_KIND",
    "scheme": "INIT_SCHEME",
    "probability": "DROPOUT",
}
"""The rules of changed facts; every other fact changes what an operation computes."""


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        path: the operation's in the new network, in the old one where it is gone; None for what is
            no operation.
        message: what changed, as a sentence without a full stop.
        old, new: what was and what is, as text; None where there is none.
        edges: of a weighted layer whose edges changed, where both wirings are at hand.
        span: its place in the new source; in the old one where it is gone.
    """

    rule: str
    message: str
    path: str | None = None
    old: str | None = None
    new: str | None = None
    edges: EdgeChange | None = None
    span: Span | None = field(default=None, compare=False)


def operation_changes(old: Sequence[Operation], new: Sequence[Operation]) -> list[Change]:
    """The changes in the order of the new network, what is gone at the end."""
    found = align(old, new)
    scopes = _Scopes({old[one].path: new[other].path for one, other in found.pairs})
    partners = {other: one for one, other in found.pairs}
    changes: list[Change] = []
    for place, operation in enumerate(new):
        if place not in partners:
            changes.append(_appeared(operation))
            continue
        before = old[partners[place]]
        moved = (partners[place], place) in found.moved or scopes.translated(before.scope) != operation.scope
        changes += _pair_changes(before, operation, moved=moved)
    return [*changes, *(_vanished(old[place]) for place in found.removed)]


@dataclass(frozen=True)
class _Scopes:
    """The paths that holding operations had, and those that they have."""

    paths: dict[str, str]

    def translated(self, scope: str) -> str:
        """An old scope as it is called in the new network."""
        if scope in self.paths:
            return self.paths[scope]
        holder, _, branch = scope.rpartition(".")
        is_branch = branch.isdigit() or branch == PROJECT
        return f"{self.paths[holder]}.{branch}" if is_branch and holder in self.paths else scope


def _appeared(operation: Operation) -> Change:
    rule = _rule_of(operation, "ADDED")
    return Change(
        rule,
        f"{described(operation)} is new",
        operation.path,
        None,
        described(operation),
        span=operation.span,
    )


def _vanished(operation: Operation) -> Change:
    rule = _rule_of(operation, "REMOVED")
    return Change(
        rule,
        f"{described(operation)} is gone",
        operation.path,
        described(operation),
        None,
        span=operation.span,
    )


def _rule_of(operation: Operation, what: str) -> str:
    if operation.kind == "dropout":
        return "DROPOUT"
    return f"{'LAYER' if operation.weighted else 'OPERATION'}_{what}"


def described(operation: Operation) -> str:
    """An operation as messages name it: its path, its kind, its sizes."""
    what = operation.facts.get("function") or operation.facts.get("norm") or operation.kind
    sizes = f", {operation.input[-1]} → {operation.output[-1]}" if operation.digest else ""
    return f"`{operation.path}` ({what}{' norm' if operation.kind == 'norm' else ''}{sizes})"


def _pair_changes(old: Operation, new: Operation, *, moved: bool) -> Iterator[Change]:
    def change(
        rule: str, message: str, before: object, after: object, edges: EdgeChange | None = None
    ) -> Change:
        return Change(rule, message, new.path, _text(before), _text(after), edges, new.span)

    if old.path != new.path and (new.weighted or old.facts.get("function") == new.facts.get("function")):
        kind = "LAYER" if new.weighted else "OPERATION"
        message = f"{described(new)} was called `{old.path}`"
        yield change(f"{kind}_RENAMED", message, old.path, new.path)
    if moved:
        message = f"{described(new)} stands in another place"
        yield change(_rule_of(new, "MOVED"), message, old.scope, new.scope)
    yield from _size_changes(old, new)
    for name in sorted({*old.facts, *new.facts}):
        before, after = old.facts.get(name), new.facts.get(name)
        if before != after:
            rule = FACT_RULES.get(name, "OPERATION_CHANGED")
            message = f"`{name}` of `{new.path}` is {_text(after)}, was {_text(before)}"
            yield change(rule, message, before, after)


def _size_changes(old: Operation, new: Operation) -> Iterator[Change]:
    """Other sizes or other edges of an operation with weights."""
    if not new.weighted:
        return
    edges = edge_change(old.fabric, new.fabric) if old.fabric and new.fabric else None
    if old.sizes != new.sizes:
        before, after = _sizes(old), _sizes(new)
        message = f"`{new.path}` is {after}, was {before}"
        yield Change("LAYER_RESIZED", message, new.path, before, after, edges, new.span)
    elif old.digest != new.digest:
        message = f"`{new.path}` has other edges: {_edges(old, new, edges)}"
        yield Change("LAYER_REWIRED", message, new.path, old.digest, new.digest, edges, new.span)


def _edges(old: Operation, new: Operation, change: EdgeChange | None) -> str:
    if change is None:
        return f"{new.edges}, there were {old.edges}; digest {old.digest} → {new.digest}"
    return f"{change.added} added, {change.removed} removed"


def _sizes(operation: Operation) -> str:
    rows, cols = operation.sizes
    return f"{cols} → {rows}" if operation.digest else str(cols)


def _text(value: object) -> str | None:
    """A fact as text, as the language writes it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)
