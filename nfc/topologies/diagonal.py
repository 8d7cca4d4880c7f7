"""`diagonal`: each output reads the input of its own number."""

from __future__ import annotations

from nfc.ir.fabric import Fabric
from nfc.ir.structure import identity
from nfc.topologies.family import Arguments, Extent, Family


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    return identity(rows)


def _next_width(width: int, arguments: Arguments) -> int:
    return width


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    return Extent(rows, rows)


DIAGONAL = Family(
    name="diagonal",
    parameters=(),
    build=_build,
    next_width=_next_width,
    definition="o == i",
    source="the elementwise product, as in layer scaling (Touvron et al., Going deeper with image transformers, 2021)",
    extent=_extent,
)
