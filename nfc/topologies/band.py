"""`band`: each output reads the inputs within `width` of its own number."""

from __future__ import annotations

import numpy as np

from nfc.ir.fabric import Fabric
from nfc.ir.structure import identity, kron, shifts, sparse
from nfc.topologies.arguments import boolean, integer
from nfc.topologies.family import Arguments, Extent, Family, Parameter


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    reach, wrap = integer(arguments, "width"), boolean(arguments, "wrap")
    if reach >= rows - 1 or (wrap and 2 * reach + 1 >= rows):
        return kron(1, rows, rows, 1)
    if reach == 0:
        return identity(rows)
    if wrap:
        return shifts((rows,), tuple((move,) for move in range(-reach, reach + 1)))
    return _open_band(rows, reach)


def _open_band(width: int, reach: int) -> Fabric:
    outputs = np.arange(width, dtype=np.int64)
    start, stop = np.maximum(outputs - reach, 0), np.minimum(outputs + reach + 1, width)
    indptr = np.concatenate([[0], np.cumsum(stop - start)]).astype(np.int64)
    within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], stop - start)
    return sparse(width, indptr, np.repeat(start, stop - start) + within)


def _next_width(width: int, arguments: Arguments) -> int:
    return width


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    reach = min(integer(arguments, "width"), rows)
    return Extent(rows, rows * min(2 * reach + 1, rows))


BAND = Family(
    name="band",
    parameters=(
        Parameter("width", "integer", 1, minimum=0),
        Parameter("wrap", "boolean", False),
    ),
    build=_build,
    next_width=_next_width,
    definition="abs(o − i) ≤ width; with `wrap` the numbers go round a ring",
    source="G. Golub and C. Van Loan, Matrix Computations, section 1.2",
    extent=_extent,
)
