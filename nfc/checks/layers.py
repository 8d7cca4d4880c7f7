"""A network's operations under the paths by which checks name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from nfc.ir.network import Linear, Network, Op, Repeat, walk

Copies = dict[str, int]
"""Which copy of each repeat around it an operation lies in, by the repeat's path."""

KINDS: dict[str, tuple[type[Op], ...]] = {
    "linear": (Linear,),
    "conv": (),
    "attention": (),
    "layer": (Linear,),
}
"""What `each KIND` takes; no operation of this version is a convolution or attention."""


@dataclass(frozen=True)
class Placed:
    """An operation with its path as checks write it, and the copies that it lies in."""

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
        return self.by_path.get(path) or [each for each in self.placed if _names(path.split("."), each)]

    def of_kind(self, kind: str) -> dict[str, list[Placed]]:
        """The layers of a kind: the copies of each path."""
        return {path: group for path, group in self.by_path.items() if isinstance(group[0].op, KINDS[kind])}


def paths_of(network: Network) -> Paths:
    repeats = {op.path for op in walk(network.body) if isinstance(op, Repeat)}
    return Paths(tuple(_placed(op, repeats) for op in walk(network.body)))


def _placed(op: Op, repeats: set[str]) -> Placed:
    parts = op.path.split(".")
    copies = {outer: int(parts[index]) for index, outer in _outer(parts) if outer in repeats}
    kept = [part for index, part in enumerate(parts) if ".".join(parts[:index]) not in copies]
    return Placed(op, ".".join(kept), copies)


def _outer(parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The places of numbers in a path, with the path before each."""
    return ((index, ".".join(parts[:index])) for index, part in enumerate(parts) if part.isdigit())


def _names(parts: list[str], placed: Placed) -> bool:
    """Whether parts are the operation's own path with some numbers of copies left out."""
    own = placed.op.path.split(".")
    position = 0
    for index, part in enumerate(own):
        if position < len(parts) and parts[position] == part:
            position += 1
        elif ".".join(own[:index]) not in placed.copies:
            return False
    return position == len(parts)
