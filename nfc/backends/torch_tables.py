"""The tables that emitted PyTorch code reads from the index file beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc.ir.network import Block
from nfc.lowering.kernels import Weighted, block_kernels
from nfc.lowering.plan import BlockSets, Neighbours, Sparse, Weight

Table = NDArray[np.int32] | NDArray[np.bool_] | NDArray[np.float64]


def tables(kernel: Weighted) -> Iterator[tuple[str, Table]]:
    """The tables that emitted code reads from the index file, by name.

    Indices are int32; `live` marks the weights that are no padding, [weight shape], bool; a
    standard deviation for each weight is float64, [weight shape], zero in padding.
    """
    base = kernel.weight.name.removesuffix("weight")
    match kernel:
        case BlockSets(row_sets=row_sets, col_sets=col_sets):
            yield f"{base}row_sets", row_sets.astype(np.int32)
            yield f"{base}col_sets", col_sets.astype(np.int32)
        case Neighbours(shifts=None, table=table):
            yield f"{base}table", table.astype(np.int32)
        case Sparse(indptr=indptr, indices=indices):
            yield f"{base}indptr", indptr.astype(np.int32)
            yield f"{base}indices", indices.astype(np.int32)
        case _:
            pass
    yield from _weight_tables(kernel.weight, base)


def _weight_tables(weight: Weight, base: str) -> Iterator[tuple[str, Table]]:
    if weight.padding is not None:
        live = np.zeros(prod(weight.shape), np.bool_)
        live[weight.padding] = True
        yield f"{base}live", live.reshape(weight.shape)
    if not isinstance(weight.draw.std, float):
        values = np.asarray(weight.draw.std, np.float64)
        if weight.padding is not None:
            padded = np.zeros(prod(weight.shape))
            padded[weight.padding] = values
            values = padded
        yield f"{base}weight.std", values.reshape(weight.shape)


def modules_read_tables(block: Block) -> bool:
    """Whether a module of the block is built from tables."""
    return any(_built_from_tables(kernel) for kernel in block_kernels(block))


def draws_read_tables(block: Block) -> bool:
    """Whether a weight of the block has a standard deviation for each of its entries."""
    return any(not isinstance(kernel.weight.draw.std, float) for kernel in block_kernels(block))


def _built_from_tables(kernel: Weighted) -> bool:
    match kernel:
        case BlockSets() | Neighbours(shifts=None) | Sparse():
            return True
        case _:
            return kernel.weight.padding is not None


def digest_of(found: Mapping[str, Table]) -> str:
    """`sha256:` over the tables' names, types, shapes and bytes."""
    digest = sha256()
    for name in sorted(found):
        table = found[name]
        digest.update(f"{name} {table.dtype.str} {table.shape}\n".encode())
        digest.update(np.ascontiguousarray(table).tobytes())
    return f"sha256:{digest.hexdigest()}"
