"""Which names a file sees: its own definitions and those of the files that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nfc.diagnostics import Label, Sink
from nfc.sema.predefined import predefined_kind
from nfc.source import Span
from nfc.syntax import ast

Definition = ast.Constant | ast.Mask | ast.Topology | ast.Network | ast.BadDefinition

KINDS: dict[type[Definition], str] = {
    ast.Constant: "a constant",
    ast.Mask: "a mask",
    ast.Topology: "a topology",
    ast.Network: "a network",
    ast.BadDefinition: "a definition",
}


@dataclass(eq=False)
class Entry:
    """A definition and the scope of its file. `broken` once it has been reported as wrong."""

    definition: Definition
    scope: Scope
    broken: bool = False

    @property
    def kind(self) -> str:
        """The kind with its article: `a mask` …"""
        return KINDS[type(self.definition)]

    @property
    def name(self) -> str:
        return self.definition.name or ""

    @property
    def name_span(self) -> Span:
        return name_span(self.definition)


@dataclass(eq=False)
class Scope:
    """The names that a file sees.

    Attributes:
        own: what the file defines, by name, in order.
        names: all that it sees, by name.
        taken: names of the language that a definition wrongly uses; what they stand for is open.
        incomplete: an unknown name may be one that could not be read: in a file that it uses, or in
            a definition that is malformed.
    """

    file: ast.File
    own: dict[str, Entry] = field(default_factory=dict)
    names: dict[str, Entry] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    incomplete: bool = False

    def of_kind(self, *kinds: type[Definition]) -> Iterator[str]:
        """The names of visible definitions of some kinds."""
        return (name for name, entry in self.names.items() if isinstance(entry.definition, kinds))


def network_of(entry: Entry) -> ast.Network:
    """The definition of an entry that is a network."""
    assert isinstance(entry.definition, ast.Network)
    return entry.definition


def name_span(definition: Definition) -> Span:
    return definition.span if isinstance(definition, ast.BadDefinition) else definition.name_span


def own_scope(file: ast.File, sink: Sink) -> Scope:
    """A scope with the file's own definitions; names that are taken or stand twice are reported."""
    scope = Scope(file)
    for definition in file.definitions:
        if isinstance(definition, ast.Use | ast.Check) or definition.name is None:
            continue
        entry = Entry(definition, scope, broken=isinstance(definition, ast.BadDefinition))
        if not is_free(definition.name, entry.name_span, scope.own, sink):
            scope.taken.update({definition.name} - scope.own.keys())
            continue
        scope.own[definition.name] = entry
    scope.names.update(scope.own)
    return scope


def is_free(name: str, span: Span, names: dict[str, Entry], sink: Sink) -> bool:
    """Whether a name may be defined; otherwise it is reported with the place of the other definition."""
    taken = predefined_kind(name)
    if taken is not None:
        sink.error(
            "NF203", f"the name `{name}` is taken: it is {taken}", span, hints=("choose another name",)
        )
        return False
    other = names.get(name)
    if other is None:
        return True
    if not other.broken or not isinstance(other.definition, ast.BadDefinition):
        _report_twice(name, span, other, sink)
    return False


def open_uses(scope: Scope, used: Iterable[Scope], sink: Sink) -> None:
    """Add what the used files define themselves; a name that then stands for two things is reported."""
    for other in used:
        scope.taken |= other.taken
        for name, entry in other.own.items():
            known = scope.names.get(name)
            if known is None:
                scope.names[name] = entry
            elif known is not entry and not (known.broken or entry.broken):
                _report_clash(name, known, entry, scope, sink)


def _report_twice(name: str, span: Span, other: Entry, sink: Sink) -> None:
    label = Label(other.name_span, f"first defined here, as {other.kind}")
    sink.error("NF202", f"`{name}` is defined twice", span, labels=(label,), hints=("rename one of the two",))


def _report_clash(name: str, known: Entry, entry: Entry, scope: Scope, sink: Sink) -> None:
    """At the later definition: this file's own, or that of the file used later."""
    later, earlier = (known, entry) if known.scope is scope else (entry, known)
    where = "this file" if later.scope is scope else f"`{later.scope.file.source.name}`"
    sink.error(
        "NF202",
        f"`{name}` is defined both in {where} and in `{earlier.scope.file.source.name}`",
        later.name_span,
        labels=(Label(earlier.name_span, f"the other definition, {earlier.kind}"),),
        hints=("rename one of the two",),
    )


def nameless(file: ast.File) -> bool:
    """Whether a definition was so malformed that what it defines is not known."""
    return any(isinstance(d, ast.BadDefinition) and d.name is None for d in file.definitions)
