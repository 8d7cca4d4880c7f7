"""The tables that emitted PyTorch code reads from the index file beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from nfc.ir.network import Block
from nfc.lowering.kernels import Weighted, block_kernels
from nfc.lowering.plan import Blocked, BlockSets, Neighbours, Sparse

Table = NDArray[np.int32] | NDArray[np.float64]


def tables(kernel: Weighted) -> Iterator[tuple[str, Table]]:
    """The tables that emitted code reads from the index file, by name.

    Indices are int32; the numbers that give each weight's standard deviation (`nfc.ir.deviations`)
    are float64, one a row or one a column.
    """
    base = kernel.weight.name.removesuffix("weight")
    match kernel:
        case Blocked(places=places) if places is not None:
            yield f"{base}places", places.astype(np.int32)
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
    std = kernel.weight.draw.std
    if not isinstance(std, float):
        for field in fields(std):
            yield f"{kernel.weight.name}.{field.name}", np.asarray(getattr(std, field.name), np.float64)


def modules_read_tables(block: Block) -> bool:
    """Whether a module of the block is built from tables."""
    return any(_built_from_tables(kernel) for kernel in block_kernels(block))


def _built_from_tables(kernel: Weighted) -> bool:
    match kernel:
        case BlockSets() | Neighbours(shifts=None) | Sparse():
            return True
        case Blocked(places=places):
            return places is not None
        case _:
            return False


def digest_of(found: Mapping[str, Table]) -> str:
    """`sha256:` over the tables' names, types, shapes and bytes, which the index file and its module both state."""
    digest = sha256()
    for name in sorted(found):
        table = found[name]
        digest.update(f"{name} {table.dtype.str} {table.shape}\n".encode())
        digest.update(np.ascontiguousarray(table).tobytes())
    return f"sha256:{digest.hexdigest()}"
