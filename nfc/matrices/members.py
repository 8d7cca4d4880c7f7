"""Arrays that are members of an archive: short ones whole, long ones some entries at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Indices
from nfc.matrices.archive import Archive, Member
from nfc.matrices.arrays import Layout, exactly, pieces
from nfc.matrices.errors import damaged
from nfc.matrices.npy import check_size, read_header
from nfc.matrices.request import listed


def vector(archive: Archive, name: str, most: int) -> Indices:
    """A short list of integers, whole."""
    with open_members(archive, name) as (member,):
        layout = layout_of(member, axes=1)
        if layout.entries > most:
            raise damaged(f"has {layout.entries} numbers in `{name}`; {most} at most are expected")
        return integers(take(member, layout, layout.entries))


def abreast(archive: Archive, *names: str) -> Iterator[tuple[int, tuple[NDArray[Any], ...]]]:
    """The entries of lists of equal length, some at a time, with the position of the first ones."""
    with open_members(archive, *names) as members:
        layouts = [layout_of(member, axes=1) for member in members]
        if len({layout.entries for layout in layouts}) != 1:
            lengths = ", ".join(str(layout.entries) for layout in layouts)
            raise damaged(f"has lists {listed(names)} of different lengths: {lengths}")
        lists = [chunks(member, layout) for member, layout in zip(members, layouts, strict=True)]
        for group in zip(*lists, strict=True):
            yield group[0][0], tuple(values for _, values in group)


def chunks(member: Member, layout: Layout) -> Iterator[tuple[int, NDArray[Any]]]:
    """All entries of a member in the order of the file, some at a time, with the position of the first ones."""
    start = 0
    for values in pieces(member, layout):
        yield start, values
        start += len(values)


@contextmanager
def open_members(archive: Archive, *names: str) -> Iterator[list[Member]]:
    """Several members, read side by side."""
    with ExitStack() as opened:
        yield [opened.enter_context(archive.member(name)) for name in names]


def layout_of(member: Member, axes: int) -> Layout:
    """The layout of a member, as large as it says."""
    layout = read_header(member)
    if len(layout.shape) != axes:
        raise damaged(f"has a list of {len(layout.shape)} axes for a sparse matrix; {axes} are expected")
    check_size(layout, member.left)
    return layout


def take(member: Member, layout: Layout, count: int) -> NDArray[Any]:
    """The next entries."""
    return layout.values(exactly(member, count * layout.itemsize))


def integers(values: NDArray[Any]) -> Indices:
    """Indices; unsigned ones that no int64 holds become negative."""
    if values.dtype.kind not in "iu":
        raise damaged(f"has indices of the type {values.dtype}; integers are expected")
    return values.astype(np.int64)
