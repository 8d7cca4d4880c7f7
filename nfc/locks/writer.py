"""Locks as TOML: an operation a line, so that merges conflict where the same layer changed twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nfc.diffing.operations import Operation
from nfc.locks.lock import FORMAT, Lock, LockedNetwork

HEADER = "# Written by `nfc lock`; `nfc lock --check` compares it with the file that it stands beside."


def render_lock(lock: Lock) -> str:
    """The text of a lock file: the same for the same lock, with a newline at its end."""
    lines = [
        HEADER,
        f"version = {FORMAT}",
        f"nfc = {text(lock.nfc)}",
        f"source = {text(lock.source)}",
    ]
    for table, values in (("parameters", lock.parameters), ("configured", lock.configured)):
        if values:
            lines += ["", f"[{table}]"]
            lines += [f"{text(name)} = {text(value)}" for name, value in sorted(values.items())]
    for name, network in lock.networks.items():
        lines += ["", f"[networks.{text(name)}]", *_network(network)]
    return "\n".join(lines) + "\n"


def _network(network: LockedNetwork) -> Iterator[str]:
    yield f"digest = {text(network.digest)}"
    yield f"params = {network.params}"
    yield f"input = {value(network.view.input)}"
    yield f"output = {value(network.view.output)}"
    yield "layers = ["
    for operation in network.view.operations:
        yield f"  {_inline(_entries(operation))},"
    yield "]"


def _entries(operation: Operation) -> dict[str, object]:
    """What a line holds; facts come last, in the order of their names."""
    entries: dict[str, object] = {"path": operation.path, "op": operation.kind}
    if operation.scope:
        entries["in"] = operation.scope
    entries |= {"input": operation.input, "output": operation.output}
    if operation.params:
        entries["params"] = operation.params
    if operation.digest is not None:
        entries |= {"edges": operation.edges, "digest": operation.digest}
    return {**entries, **dict(sorted(operation.facts.items()))}


def _inline(entries: Mapping[str, object]) -> str:
    return "{ " + ", ".join(f"{name} = {value(entry)}" for name, entry in entries.items()) + " }"


def value(entry: object) -> str:
    """A value as TOML."""
    match entry:
        case bool():
            return str(entry).lower()
        case int() | float():
            return repr(entry)
        case tuple() | list():
            return f"[{', '.join(map(value, entry))}]"
        case _:
            return text(str(entry))


def text(string: str) -> str:
    """A string as TOML: control characters escaped, the rest as it is."""
    escaped = string.replace("\\", "\\\\").replace('"', '\\"')
    shown = "".join(
        character if character.isprintable() else f"\\U{ord(character):08X}" for character in escaped
    )
    return f'"{shown}"'
