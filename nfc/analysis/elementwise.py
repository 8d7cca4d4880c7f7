"""Blocks without weights that act on each number alone, as one function with its derivative."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nfc.analysis.activations import Elementwise, elementwise
from nfc.analysis.signal import Array
from nfc.ir.network import Activation, Block, Dropout, Inline, Op, Repeat, Residual, Sum


def function_of(block: Block) -> Elementwise | None:
    """The block as a function of each number, if it is one; an empty block is the identity."""
    parts = _all(map(_function_of, block))
    return None if parts is None else chain(parts)


def residual_branches(op: Residual) -> tuple[Block, Block]:
    """The two sides of a residual: its skip, empty where it is the identity, and its body."""
    return (() if op.project is None else (op.project,)), op.body


def chain(parts: Sequence[Elementwise]) -> Elementwise:
    """One function after another."""

    def function(x: Array) -> tuple[Array, Array]:
        slope = np.ones_like(x)
        for part in parts:
            x, inner = part(x)
            slope = slope * inner
        return x, slope

    return function


def total(parts: Sequence[Elementwise]) -> Elementwise:
    """The sum of functions of the same number."""

    def function(x: Array) -> tuple[Array, Array]:
        values, slopes = zip(*(part(x) for part in parts), strict=True)
        return np.sum(values, axis=0), np.sum(slopes, axis=0)

    return function


def _function_of(op: Op) -> Elementwise | None:
    match op:
        case Activation():
            return elementwise(op)
        case Dropout():
            return chain(())
        case Repeat():
            return function_of(tuple(inner for copy in op.copies for inner in copy))
        case Inline():
            return function_of(op.body)
        case Residual():
            return _total_of(residual_branches(op))
        case Sum():
            return _total_of(op.branches)
        case _:
            return None


def _total_of(branches: Iterable[Block]) -> Elementwise | None:
    parts = _all(map(function_of, branches))
    return None if parts is None else total(parts)


def _all(parts: Iterable[Elementwise | None]) -> list[Elementwise] | None:
    """The parts, if every one of them is a function."""
    found = []
    for part in parts:
        if part is None:
            return None
        found.append(part)
    return found
