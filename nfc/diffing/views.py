"""Networks as comparisons see them, whether elaborated or read from a lock, and which became which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nfc.diffing.changes import Change, operation_changes
from nfc.diffing.operations import Operation, operations
from nfc.ir.network import Network, Shape
from nfc.source import Span

Key = tuple[object, ...]


@dataclass(frozen=True)
class View:
    """A network's borders and its operations; `span` is its heading."""

    name: str
    input: Shape
    output: Shape
    operations: tuple[Operation, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    @cached_property
    def keys(self) -> tuple[Key, Key]:
        """What it is, then how it is written: automatic seeds hang on its name, and with them its edges."""
        exact = tuple((each.path, each.scope, each.signature) for each in self.operations)
        written = tuple(
            (each.path, each.kind, each.input, each.output, each.topology, *sorted(each.facts.items()))
            for each in self.operations
        )
        return exact, written


def view_of(network: Network) -> View:
    return View(network.name, network.input, network.output, operations(network), heading(network.span))


def heading(span: Span | None) -> Span | None:
    """The first line of a definition, up to its brace."""
    if span is None:
        return None
    line = span.text.partition("\n")[0].partition("{")[0].rstrip()
    return Span(span.source, span.start, span.start + len(line))


@dataclass(frozen=True)
class ViewDiff:
    """What became of a network; `old` or `new` is None where it was added or removed."""

    old: View | None
    new: View | None
    changes: tuple[Change, ...]


def view_diffs(old: Mapping[str, View], new: Mapping[str, View]) -> list[ViewDiff]:
    """The networks in the order of the new ones, those that are gone at the end."""
    partners = _partners(old, new)
    found = [
        _changed(old[partners[name]], view) if name in partners else _added(view)
        for name, view in new.items()
    ]
    kept = set(partners.values())
    return [*found, *(_removed(view) for name, view in old.items() if name not in kept)]


def _partners(old: Mapping[str, View], new: Mapping[str, View]) -> dict[str, str]:
    """The old name of each network that has a partner: one of its name, else one that is like it."""
    partners = {name: name for name in new if name in old}
    for strictness in range(2):
        waiting = [name for name in old if name not in partners.values()]
        for name in [name for name in new if name not in partners]:
            key = new[name].keys[strictness]
            like = next((other for other in waiting if old[other].keys[strictness] == key), None)
            if like is not None:
                partners[name] = like
                waiting.remove(like)
    return partners


def _changed(old: View, new: View) -> ViewDiff:
    changes = [*_border_changes(old, new), *operation_changes(old.operations, new.operations)]
    return ViewDiff(old, new, tuple(changes))


def _border_changes(old: View, new: View) -> list[Change]:
    """Changes of the name and of the shapes of input and output."""
    changes = []
    if old.name != new.name:
        message = f"the network `{new.name}` was called `{old.name}`"
        changes.append(Change("NETWORK_RENAMED", message, None, old.name, new.name, span=new.span))
    for what, before, after in (("input", old.input, new.input), ("output", old.output, new.output)):
        if before != after:
            message = f"the {what} of `{new.name}` is {list(after)}, was {list(before)}"
            rule = f"{what.upper()}_SHAPE"
            changes.append(Change(rule, message, None, str(list(before)), str(list(after)), span=new.span))
    return changes


def _added(view: View) -> ViewDiff:
    change = Change("NETWORK_ADDED", f"the network `{view.name}` is new", new=view.name, span=view.span)
    return ViewDiff(None, view, (change,))


def _removed(view: View) -> ViewDiff:
    change = Change("NETWORK_REMOVED", f"the network `{view.name}` is gone", old=view.name, span=view.span)
    return ViewDiff(view, None, (change,))
