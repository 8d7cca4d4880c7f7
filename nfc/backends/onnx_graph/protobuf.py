"""Protobuf's wire format, as far as a file's size and its large fields need it.

https://protobuf.dev/programming-guides/encoding. A message is its fields one after the other, so
that finished parts can be joined: weights are copied once, straight into the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.atomic import Chunk

TENSOR_RAW_DATA = 9
GRAPH_INITIALIZER = 5
MODEL_GRAPH = 7
"""Numbers of fields of `TensorProto`, `GraphProto` and `ModelProto` (onnx.proto)."""

LENGTH_DELIMITED = 2


def delimited(size: int) -> int:
    """Bytes of `size` bytes as a field of a message: its tag (of a field below 16), its length, itself."""
    return 1 + varint_bytes(size) + size


def varint_bytes(value: int) -> int:
    """Bytes of an integer ≥ 0 in the variable-length form, seven bits each."""
    return max(1, -(-value.bit_length() // 7))


def tensor_bytes(name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes of a `TensorProto` with raw data: each dimension, the type, the name, the numbers."""
    dimensions = sum(1 + varint_bytes(size) for size in shape)
    return dimensions + 2 + delimited(len(name.encode())) + delimited(prod(shape) * dtype.itemsize)


def varint(value: int) -> bytes:
    """An integer ≥ 0, its low seven bits first; the high bit of a byte says that more follow."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def field(number: int, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks as one length-delimited field (a message, a string or bytes)."""
    held = list(chunks)
    yield varint(number << 3 | LENGTH_DELIMITED) + varint(sum(len(chunk) for chunk in held))
    yield from held


def tensor_chunks(name: str, array: NDArray[Any]) -> Iterator[Chunk]:
    """A `TensorProto` with raw data, little-endian."""
    from onnx import TensorProto, helper

    data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
    yield TensorProto(dims=array.shape, data_type=data_type, name=name).SerializeToString()
    little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    yield from field(TENSOR_RAW_DATA, (little_endian.reshape(-1).view(np.uint8).data,))
