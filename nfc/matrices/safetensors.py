"""`.safetensors`: tensors one after another behind a header in JSON; nothing in it is trusted unchecked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from nfc.ir.factors import Factor
from nfc.matrices.arrays import BFLOAT16, Layout, dense_pattern
from nfc.matrices.errors import MatrixError, damaged
from nfc.matrices.npz import no_such_key
from nfc.matrices.request import Request

HEADER_BYTES = 2**24
"""The longest header that is read; a thousand tensors take some 100 kB."""

_TYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "BF16": BFLOAT16, "F32": "<f4", "F64": "<f8",
}  # fmt: skip


def read_safetensors(file: BinaryIO, size: int, request: Request) -> Factor:
    """The pattern of the tensor `request.key` in a file of `size` bytes.

    Raises:
        MatrixError: it holds no 0/1 matrix of the shape that is wanted.
    """
    header = _header(file, size)
    names = [name for name in header if name != "__metadata__"]
    if request.key not in names:
        raise no_such_key(request.key, names)
    layout, start, end = _tensor(header[request.key])
    data = file.tell()
    request.check_shape(layout.shape)
    if not start <= end <= size - data or end - start != layout.size:
        where = f"at {start} to {end} of {size - data}"
        raise damaged(f"has a tensor of {layout.size} bytes {where}: its header is wrong, or it is cut short")
    file.seek(data + start)
    return dense_pattern(file, layout, request)


def _header(file: BinaryIO, size: int) -> Mapping[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise damaged("is no whole file of safetensors: its header would end behind the file")
    if length > HEADER_BYTES:
        raise damaged(f"has a header of {length} bytes, more than {HEADER_BYTES}")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise damaged("is no file of safetensors: its header is not JSON") from None
    if not isinstance(header, dict):
        raise damaged("is no file of safetensors: its header holds no tensors by name")
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise damaged("has a header that says something twice")
    return found


def _tensor(entry: Any) -> tuple[Layout, int, int]:
    """The layout of a tensor, and where it starts and ends behind the header."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [start, end]} if all(
            type(number) is int and 0 <= number < 2**63 for number in (*shape, start, end)
        ):
            if dtype not in _TYPES:
                raise MatrixError(
                    "NF707", f"has a tensor of the type {dtype}, expected {', '.join(_TYPES)}", argument="key"
                )
            return Layout(_TYPES[dtype], tuple(shape)), start, end
    raise damaged("has a header that describes no tensor")
