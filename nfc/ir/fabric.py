"""Fabrics: trees of cascades and sums over factors. A fabric maps `cols` inputs to `rows` outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nfc.ir.factors import Factor


@dataclass(frozen=True)
class Cascade:
    """Parts one after the other, the first part first: the matrix is parts[-1] ··· parts[0]."""

    parts: tuple[Fabric, ...]

    @property
    def rows(self) -> int:
        return self.parts[-1].rows

    @property
    def cols(self) -> int:
        return self.parts[0].cols


@dataclass(frozen=True)
class Sum:
    """Parts on the same input whose outputs add; each part has its own weights."""

    parts: tuple[Fabric, ...]

    @property
    def rows(self) -> int:
        return self.parts[0].rows

    @property
    def cols(self) -> int:
        return self.parts[0].cols


Fabric = Factor | Cascade | Sum


def cascade(*parts: Fabric) -> Fabric:
    """A cascade in normal form: nested ones flattened, a single part itself."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, Cascade) else (part,))]
    return flat[0] if len(flat) == 1 else Cascade(tuple(flat))


def total(*parts: Fabric) -> Fabric:
    """A sum in normal form: nested ones flattened, a single part itself."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, Sum) else (part,))]
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def factors(fabric: Fabric) -> Iterator[Factor]:
    """The factors in written order, depth first."""
    if isinstance(fabric, Factor):
        yield fabric
    else:
        for part in fabric.parts:
            yield from factors(part)


def named_factors(fabric: Fabric, prefix: str = "") -> Iterator[tuple[str, Factor]]:
    """The factors with their places in the tree, `""` for a lone factor, else `0`, `1.0` …"""
    if isinstance(fabric, Factor):
        yield prefix, fabric
    else:
        for index, part in enumerate(fabric.parts):
            yield from named_factors(part, part_place(prefix, index))


def reads_input(fabric: Fabric) -> Iterator[bool]:
    """For each factor in written order, whether it reads the fabric's own input."""
    match fabric:
        case Factor():
            yield True
        case Cascade(parts=(first, *others)):
            yield from reads_input(first)
            yield from (False for part in others for _ in factors(part))
        case _:
            for part in fabric.parts:
                yield from reads_input(part)


def part_place(place: str, index: int) -> str:
    """The place of a part in the tree, `1.0`, from that of what holds it, `""` for the root."""
    return f"{place}.{index}" if place else str(index)


def edge_count(fabric: Fabric) -> int:
    return sum(factor.edges for factor in factors(fabric))


def depth(fabric: Fabric) -> int:
    """Factors on the longest path."""
    if isinstance(fabric, Factor):
        return 1
    depths = [depth(part) for part in fabric.parts]
    return sum(depths) if isinstance(fabric, Cascade) else max(depths)
