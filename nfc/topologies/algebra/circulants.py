"""Set operations and products of circulants in mixed radix, on their offsets alone.

A pattern in which output o reads input i where digitwise (o − i) mod dims is in a set of offsets is
known by that set. Offsets are coded as numbers in 0..<n, the first digit least significant; a square
`Kron(a, b, b, d)` has dims (d, b, a) and the offsets (0, j, 0), coded j·d.

An axis is free where the offsets that agree on all other axes have the digit 0 alone on it, or every
digit. A free axis may be split, and free neighbours that are free together be joined, while the codes
stay as they are: that is how patterns of different dims meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from operator import mul

import numpy as np

from nfc.ir.factors import Blocks, Factor, Indices, Kron, Shifts
from nfc.ir.mixed_radix import digits
from nfc.ir.structure import blocks, shifts
from nfc.topologies.algebra.merges import nothing


@dataclass(frozen=True, eq=False)
class Circulant:
    """The offsets of a square pattern: `codes` ascend, [fan-in]."""

    dims: tuple[int, ...]
    codes: Indices

    @property
    def width(self) -> int:
        return prod(self.dims)


def circulant(factor: Factor) -> Circulant | None:
    """The offsets of a square `Kron` or of `Shifts`; None for any other factor."""
    match factor:
        case Kron(a=a, b=b, c=c, d=d) if b == c:
            return Circulant((d, b, a), np.arange(b, dtype=np.int64) * d)
        case Shifts(dims=dims, offsets=offsets):
            moves = np.mod(np.array(offsets, np.int64), dims)
            return Circulant(dims, np.sort(moves @ np.array(_strides(dims), np.int64)))
        case _:
            return None


def on_circulants(operator: str, left: Factor, right: Factor) -> Factor | None:
    """`|`, `&` or `-` of two circulants; None where there are no dims that both have."""
    first, second = circulant(left), circulant(right)
    if first is None or second is None:
        return None
    dims = _common_dims(first, second)
    if dims is None:
        return None
    match operator:
        case "|":
            codes = np.union1d(first.codes, second.codes)
        case "&":
            codes = np.intersect1d(first.codes, second.codes, assume_unique=True)
        case _:
            codes = np.setdiff1d(first.codes, second.codes, assume_unique=True)
    return _factor(Circulant(dims, codes))


def complement_of_circulant(factor: Factor) -> Factor | None:
    """The offsets that a circulant lacks; None for any other factor."""
    found = circulant(factor)
    if found is None:
        return None
    absent = np.ones(found.width, np.bool_)
    absent[found.codes] = False
    return _factor(Circulant(found.dims, np.flatnonzero(absent)))


def product_of_circulants(outer: Factor, inner: Factor) -> Factor | None:
    """The product outer ⊗ inner; None where one is no circulant."""
    slow, fast = circulant(outer), circulant(inner)
    if slow is None or fast is None:
        return None
    codes = (slow.codes[:, None] * fast.width + fast.codes).reshape(-1)
    return _factor(Circulant((*fast.dims, *slow.dims), codes))


def _common_dims(left: Circulant, right: Circulant) -> tuple[int, ...] | None:
    bounds = sorted({*_bounds(left.dims), *_bounds(right.dims)})
    if any(above % below for below, above in pairwise(bounds)):
        return None
    if not (_splits(left, bounds) and _splits(right, bounds)):
        return None
    return tuple(above // below for below, above in pairwise(bounds)) or (1,)


def _splits(found: Circulant, bounds: list[int]) -> bool:
    """Whether the bounds of axes cut only free axes."""
    axes = zip(_strides(found.dims), found.dims, strict=True)
    return all(
        _free(found.codes, stride, size) is not None
        for stride, size in axes
        if any(stride < bound < stride * size for bound in bounds)
    )


def _free(codes: Indices, stride: int, size: int) -> str | None:
    """How an axis is free: all offsets have the digit 0 (`zero`), or every digit (`full`), or each `either`."""
    moves = codes // stride % size
    if not moves.any():
        return "zero"
    rests, counts = np.unique(codes - moves * stride, return_counts=True)
    if len(rests) * size == len(codes):
        return "full"
    alone = rests[counts != size]
    # An offset is its rest where its digit is 0.
    zero = (counts[counts != size] == 1).all() and np.isin(alone, codes, assume_unique=True).all()
    return "either" if zero else None


def _factor(found: Circulant) -> Factor:
    """The factor of offsets, on as few axes as they have."""
    if not len(found.codes):
        return nothing(found.width, found.width)
    axes = _joined_axes(found)
    if all(kind in ("zero", "full") for _, _, kind in axes):
        return _box(axes, found.width)
    dims = tuple(size for _, size, _ in axes)
    return shifts(dims, tuple(digits(dims, code) for code in found.codes.tolist()))


Axis = tuple[int, int, str | None]
"""Stride, size, and how it is free."""


def _joined_axes(found: Circulant) -> list[Axis]:
    """The axes of more than one digit; neighbours that are free together are one."""
    axes: list[Axis] = []
    for stride, size in zip(_strides(found.dims), found.dims, strict=True):
        if size == 1:
            continue
        if axes:
            first, before, _ = axes[-1]
            kind = _free(found.codes, first, before * size)
            if kind is not None:
                axes[-1] = first, before * size, kind
                continue
        axes.append((stride, size, _free(found.codes, stride, size)))
    return axes


def _box(axes: list[Axis], width: int) -> Kron | Blocks:
    """Complete blocks: all offsets on the full axes, none on the others."""
    sets = np.zeros((1, 1), np.int64)
    for stride, size, kind in axes:
        moves = np.arange(size, dtype=np.int64) * stride
        if kind == "full":
            sets = (moves[:, None] + sets[:, None, :]).reshape(len(sets), -1)
        else:
            sets = (moves[:, None, None] + sets).reshape(-1, sets.shape[1])
    assert sets.size == width
    return blocks(sets, sets)


def _bounds(dims: tuple[int, ...]) -> list[int]:
    """Where axes begin and end: 1, …, n."""
    return [1, *accumulate(dims, mul)]


def _strides(dims: tuple[int, ...]) -> list[int]:
    return _bounds(dims)[:-1]
