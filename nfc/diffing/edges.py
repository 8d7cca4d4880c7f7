"""Edges that one fabric has and another has not, counted exactly, in time and memory of the edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from nfc.ir.fabric import Fabric, named_factors
from nfc.ir.factors import Factor, Indices, Kron
from nfc.ir.structure import endpoints

MOST_SHOWN = 3
"""Edges that are named of those added, and of those removed."""


@dataclass(frozen=True)
class Edge:
    """An edge of the factor at `place` (empty for a lone one)."""

    place: str
    output: int
    input: int


@dataclass(frozen=True)
class EdgeChange:
    """How many edges were added and removed, and the first few of each in CSR order."""

    added: int = 0
    removed: int = 0
    first_added: tuple[Edge, ...] = ()
    first_removed: tuple[Edge, ...] = ()

    def __add__(self, other: EdgeChange) -> EdgeChange:
        return EdgeChange(
            self.added + other.added,
            self.removed + other.removed,
            (*self.first_added, *other.first_added)[:MOST_SHOWN],
            (*self.first_removed, *other.first_removed)[:MOST_SHOWN],
        )


def edge_change(old: Fabric, new: Fabric) -> EdgeChange:
    """What became of the edges, factor by factor: factors at the same place of the tree are compared."""
    before, after = dict(named_factors(old)), dict(named_factors(new))
    change = EdgeChange()
    for place in sorted({*before, *after}, key=_numbers):
        change += _factor_change(place, before.get(place), after.get(place))
    return change


def _numbers(place: str) -> tuple[int, ...]:
    return tuple(map(int, place.split("."))) if place else ()


def _factor_change(place: str, old: Factor | None, new: Factor | None) -> EdgeChange:
    if old is None or new is None:
        return EdgeChange(
            0 if new is None else new.edges,
            0 if old is None else old.edges,
            () if new is None else _first(place, new),
            () if old is None else _first(place, old),
        )
    if _is_dense(old) and _is_dense(new):
        return _dense_change(place, old, new)
    width = max(old.cols, new.cols)
    before, after = _keys(old, width), _keys(new, width)
    added, removed = _without(after, before), _without(before, after)
    return EdgeChange(len(added), len(removed), _named(place, added, width), _named(place, removed, width))


def _is_dense(factor: Factor) -> bool:
    return isinstance(factor, Kron) and factor.is_dense


def _dense_change(place: str, old: Factor, new: Factor) -> EdgeChange:
    """The difference of two full rectangles."""
    common = min(old.rows, new.rows) * min(old.cols, new.cols)
    return EdgeChange(
        new.edges - common,
        old.edges - common,
        _outside(place, new, old),
        _outside(place, old, new),
    )


def _outside(place: str, factor: Factor, other: Factor) -> tuple[Edge, ...]:
    """The first edges of a full factor that another full one has not."""
    above = min(factor.rows, other.rows) if factor.cols > other.cols else 0
    beside = ((row, col) for row in range(above) for col in range(other.cols, factor.cols))
    below = ((row, col) for row in range(other.rows, factor.rows) for col in range(factor.cols))
    return tuple(Edge(place, row, col) for row, col in islice(chain(beside, below), MOST_SHOWN))


def _keys(factor: Factor, width: int) -> Indices:
    """Each edge as one number, ascending, [edges]."""
    outputs, inputs = endpoints(factor)
    return outputs * width + inputs


def _without(keys: Indices, others: Indices) -> Indices:
    """The numbers of one ascending list that another lacks, ascending."""
    places = np.searchsorted(others, keys)
    known = np.zeros(len(keys), np.bool_)
    inside = places < len(others)
    known[inside] = others[places[inside]] == keys[inside]
    return keys[~known]


def _named(place: str, keys: Indices, width: int) -> tuple[Edge, ...]:
    return tuple(Edge(place, *divmod(int(key), width)) for key in keys[:MOST_SHOWN])


def _first(place: str, factor: Factor) -> tuple[Edge, ...]:
    return _named(place, _keys(factor, factor.cols), factor.cols)
