"""Arrays of numbers as they lie in files: a type, a shape, an order, and the bytes in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices
from nfc.matrices.edges import Ones, ones
from nfc.matrices.errors import damaged
from nfc.matrices.request import CHUNK, Request

BFLOAT16 = "bfloat16"


class Stream(Protocol):
    """Bytes that are read one after another."""

    def read(self, count: int, /) -> bytes: ...


@dataclass(frozen=True)
class Layout:
    """An array of numbers in a file.

    Attributes:
        dtype: in NumPy's notation with a byte order, or BFLOAT16.
        column_major: whether the first index runs fastest.
    """

    dtype: str
    shape: tuple[int, ...]
    column_major: bool = False

    @property
    def entries(self) -> int:
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        return self._stored.itemsize

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return self.entries * self.itemsize

    @property
    def _stored(self) -> np.dtype[Any]:
        # A byte of a Boolean may be neither 0 nor 1 in the file.
        names = {BFLOAT16: "<u2", "|b1": "|u1"}
        return np.dtype(names.get(self.dtype, self.dtype))

    def values(self, data: bytes) -> NDArray[Any]:
        """The entries in some of the array's bytes."""
        stored = np.frombuffer(data, self._stored)
        if self.dtype == BFLOAT16:  # the upper half of float32
            return (stored.astype(np.uint32) << 16).view(np.float32)
        return stored


def exactly(stream: Stream, count: int) -> bytes:
    """The next `count` bytes.

    Raises:
        MatrixError: NF707 where there are fewer.
    """
    data = stream.read(count)
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise damaged("is cut short: it ends before its last entry")
        data += more
    return data


def pieces(stream: Stream, layout: Layout) -> Iterator[NDArray[Any]]:
    """The entries in the order of the file, some at a time."""
    for start in range(0, layout.entries, CHUNK):
        count = min(CHUNK, layout.entries - start)
        yield layout.values(exactly(stream, count * layout.itemsize))


def dense_pattern(stream: Stream, layout: Layout, request: Request) -> Factor:
    """The pattern of a matrix that is stored entry by entry, of the shape that is wanted."""
    found = Ones(request)
    start = 0
    for values in pieces(stream, layout):
        found.add_keys(_keys(values, start, layout, request))
        start += len(values)
    return found.factor()


def _keys(values: NDArray[Any], start: int, layout: Layout, request: Request) -> Indices:
    """The edges among consecutive entries, as row · cols + column."""
    if not layout.column_major:
        return start + ones(values, lambda at: divmod(start + at, request.cols))

    def place(at: int) -> tuple[int, int]:
        return (start + at) % request.rows, (start + at) // request.rows

    positions = start + ones(values, place)
    return positions % request.rows * request.cols + positions // request.rows
