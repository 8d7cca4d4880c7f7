"""A network's operations under the paths by which checks name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nfc.ir.network import Linear, Network, Op, Repeat, walk

Copies = dict[str, int]
"""A number for some of the repeats around an operation, by the repeats' paths as checks write them."""

KINDS: dict[str, tuple[type[Op], ...]] = {
    "linear": (Linear,),
    "conv": (),
    "attention": (),
    "layer": (Linear,),
}
"""What `each KIND` takes; no operation of this version is a convolution or attention."""


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
    """All operations of a network."""

    placed: tuple[Placed, ...]

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
        return {path: group for path, group in self.by_path.items() if isinstance(group[0].op, KINDS[kind])}


def paths_of(network: Network) -> Paths:
    repeats = {op.path for op in walk(network.body) if isinstance(op, Repeat)}
    return Paths(tuple(_placed(op, repeats) for op in walk(network.body)))


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
