"""A network's operations under the paths by which checks name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nfc.ir.convolutions import Conv, Depthwise
from nfc.ir.network import Linear, Network, Op, Repeat, walk
from nfc.ir.sequences import attention_layers

Copies = dict[str, int]
"""A number for some of the repeats around an operation, by the repeats' paths as checks write them."""

KINDS: dict[str, tuple[type[Op], ...]] = {
    "linear": (Linear,),
    "conv": (Conv,),
    "attention": (),
    "layer": (Linear, Conv, Depthwise),
}
"""What `each KIND` takes: operations of these very types, and `attention` the layers that attentions hold."""


@dataclass(frozen=True)
class Placed:
    """An operation as a path names it.

    Attributes:
        path: its path as checks write it, without the numbers of copies.
        copies: in which copy it lies of each repeat whose number the naming path leaves out.
    """

    op: Op
    path: str
    copies: Copies


@dataclass(frozen=True)
class Paths:
    """All operations of a network; `attention` are the full paths of the layers that attentions hold."""

    placed: tuple[Placed, ...]
    attention: frozenset[str] = frozenset()

    @cached_property
    def by_path(self) -> dict[str, list[Placed]]:
        """The copies of each path."""
        found: dict[str, list[Placed]] = {}
        for each in self.placed:
            found.setdefault(each.path, []).append(each)
        return found

    def named(self, path: str) -> list[Placed]:
        """The operations that a path names, with or without the numbers of copies; none if unknown."""
        parts = path.split(".")
        return self.by_path.get(path) or [named for each in self.placed if (named := _named(each, parts))]

    def of_kind(self, kind: str) -> dict[str, list[Placed]]:
        """The layers of a kind: the copies of each path."""
        return {path: group for path, group in self.by_path.items() if self._is(group[0].op, kind)}

    def _is(self, op: Op, kind: str) -> bool:
        if kind == "attention":
            return op.path in self.attention
        return type(op) in KINDS[kind] and (kind == "layer" or op.path not in self.attention)


def paths_of(network: Network) -> Paths:
    repeats = {op.path for op in walk(network.body) if isinstance(op, Repeat)}
    placed = tuple(_placed(op, repeats) for op in walk(network.body))
    return Paths(placed, attention_layers(network))


def _placed(op: Op, repeats: set[str]) -> Placed:
    parts = op.path.split(".")
    kept: list[str] = []
    copies: Copies = {}
    for index, part in enumerate(parts):
        if part.isdigit() and ".".join(parts[:index]) in repeats:
            copies[".".join(kept)] = int(part)
        else:
            kept.append(part)
    return Placed(op, ".".join(kept), copies)


def _named(placed: Placed, parts: Sequence[str]) -> Placed | None:
    """The operation as these parts of a path name it; None where they name another."""
    position = 0
    kept: list[str] = []
    left_out: Copies = {}
    for part in placed.op.path.split("."):
        repeat = ".".join(kept)
        is_copy = part.isdigit() and repeat in placed.copies
        if not is_copy:
            kept.append(part)
        if position < len(parts) and parts[position] == part:
            position += 1
        elif is_copy:
            left_out[repeat] = placed.copies[repeat]
        else:
            return None
    return replace(placed, copies=left_out) if position == len(parts) else None
