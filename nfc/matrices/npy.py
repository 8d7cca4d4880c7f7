"""`.npy`: one array of NumPy. The header is read as text of a fixed form and never evaluated."""

from __future__ import annotations

import re
from typing import BinaryIO

from nfc.ir.factors import Factor
from nfc.matrices.arrays import Layout, Stream, dense_pattern, exactly
from nfc.matrices.errors import damaged
from nfc.matrices.request import Request

MAGIC = b"\x93NUMPY"
HEADER_BYTES = 2**16
"""The longest header that is read; those of arrays of numbers have 128 bytes or so."""

_NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_HEADER = re.compile(r"\{(.*)\}\s*", re.DOTALL)
_SIZE = re.compile(r"\s*(\d{1,18})L?\s*")
_FIELD = re.compile(
    r"""\s*['"](?P<name>\w+)['"]\s*:\s*"""
    r"""(?:['"](?P<text>[^'"\\]*)['"]|(?P<flag>True|False)|\((?P<sizes>[^()]*)\))"""
    r"""\s*(?:,|$)\s*"""
)


def read_npy(file: BinaryIO, size: int, request: Request) -> Factor:
    """The pattern in a `.npy` file of `size` bytes.

    Raises:
        MatrixError: it holds no 0/1 matrix of the shape that is wanted.
    """
    layout = read_header(file)
    request.check_shape(layout.shape)
    check_size(layout, size - file.tell())
    return dense_pattern(file, layout, request)


def check_size(layout: Layout, size: int) -> None:
    """Compare the bytes that a header promises with those that there are."""
    if layout.size != size:
        how = "is cut short" if size < layout.size else "has bytes after its last entry"
        raise damaged(f"{how}: its header promises {layout.size} bytes of entries, there are {size}")


def read_header(stream: Stream) -> Layout:
    """The layout of an array of numbers; the stream goes on with its entries.

    Raises:
        MatrixError: NF707 where it is no such array.
    """
    descr, column_major, shape = header_fields(stream)
    if "O" in descr:
        raise damaged("holds Python objects, which are never read", "`array.astype(bool)` makes numbers")
    if not _NUMBERS.fullmatch(descr):
        raise damaged(f"has entries of the type `{descr}`; Booleans, integers or floats are expected")
    return Layout(descr, shape, column_major)


def header_fields(stream: Stream) -> tuple[str, bool, tuple[int, ...]]:
    """The type as written, whether the order is Fortran's, and the shape.

    Raises:
        MatrixError: NF707 where it is no header of one type.
    """
    start = exactly(stream, len(MAGIC) + 2)
    if not start.startswith(MAGIC):
        raise damaged("is no array of NumPy: it does not start as one")
    length = int.from_bytes(exactly(stream, 2 if start[len(MAGIC)] == 1 else 4), "little")
    if start[len(MAGIC)] not in (1, 2, 3) or length > HEADER_BYTES:
        raise damaged("has a header of an unknown form")
    return _parsed(exactly(stream, length).decode("latin-1"))


def _parsed(text: str) -> tuple[str, bool, tuple[int, ...]]:
    """The fields of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`."""
    whole = _HEADER.fullmatch(text)
    fields: dict[str, re.Match[str]] = {}
    position = 0
    while whole and position < len(whole[1]):
        field = _FIELD.match(whole[1], position)
        if field is None or field["name"] in fields:
            break
        fields[field["name"]] = field
        position = field.end()
    if whole is None or position < len(whole[1]) or fields.keys() != {"descr", "fortran_order", "shape"}:
        raise damaged("has a header that describes no plain array")
    descr, order, sizes = (fields[name] for name in ("descr", "fortran_order", "shape"))
    if descr["text"] is None or order["flag"] is None or sizes["sizes"] is None:
        raise damaged("has a header that describes no plain array")
    return descr["text"], order["flag"] == "True", _shape(sizes["sizes"])


def _shape(text: str) -> tuple[int, ...]:
    """The sizes in `3, 4`, `3,` or the empty text."""
    written = text.split(",")
    sizes = [_SIZE.fullmatch(size) for size in (written if written[-1].strip() else written[:-1])]
    if None in sizes:
        raise damaged("has a header that describes no plain array")
    return tuple(int(size[1]) for size in sizes if size)
