"""`block`: dense blocks on the diagonal, by their size or by their number."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric
from nfc.ir.factors import Indices
from nfc.ir.structure import kron, sparse
from nfc.topologies.arguments import optional_integer
from nfc.topologies.family import Arguments, Extent, Family, Parameter, TopologyError
from nfc.topologies.widths import next_multiple, quotient


def _size_or_count(arguments: Arguments) -> tuple[int | None, int | None]:
    size, count = optional_integer(arguments, "size"), optional_integer(arguments, "count")
    if (size is None) == (count is None):
        found = "neither is" if size is None else "both are"
        message = f"`block` takes either `size` or `count`, and {found} given"
        raise TopologyError("NF401", message, argument="size", hint="`block(size=16)` or `block(count=4)`")
    return size, count


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    size, count = _size_or_count(arguments)
    if size is not None:
        return kron(rows // size, size, size, 1)
    assert count is not None
    if rows % count == cols % count == 0:
        return kron(count, rows // count, cols // count, 1)
    return _uneven(rows, cols, count)


def _uneven(rows: int, cols: int, count: int) -> Fabric:
    """Blocks whose sizes differ by one."""
    start, stop = _ranges(rows, cols, count)
    lengths = stop - start
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths)
    return sparse(cols, indptr, np.repeat(start, lengths) + within)


def _ranges(rows: int, cols: int, count: int) -> tuple[Indices, Indices]:
    """The inputs of each output: those of its block, from the first to before the second, [rows]."""
    block = np.arange(rows, dtype=np.int64) * count // rows
    return -(-block * cols // count), -(-(block + 1) * cols // count)


def _next_width(width: int, arguments: Arguments) -> int | None:
    size, _ = _size_or_count(arguments)
    return None if size is None else next_multiple(width, size)


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    size, count = _size_or_count(arguments)
    widest = quotient(cols, count) if count is not None else min(size or 1, cols)
    return Extent(max(rows, cols), rows * widest)


BLOCK = Family(
    name="block",
    parameters=(
        Parameter("size", "integer", None, minimum=1),
        Parameter("count", "integer", None, minimum=1, maximum=2**24),
    ),
    build=_build,
    next_width=_next_width,
    definition="o // size == i // size, or o·count // rows == i·count // cols",
    source="A. Krizhevsky, I. Sutskever and G. Hinton, ImageNet classification with deep convolutional neural networks, 2012 (grouped layers)",
    extent=_extent,
)
