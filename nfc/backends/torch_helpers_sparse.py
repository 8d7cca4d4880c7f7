# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The layers of factors without structure: each class is copied into emitted modules where it is used.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nfc.backends.torch_helpers import Factor, TableFactor, biased
from nfc.backends.torch_helpers_edges import KeptEdges, edge_product
from nfc.backends.torch_helpers_inputs import simple, weight_of
from nfc.backends.torch_helpers_products import spread
from nfc.backends.torch_helpers_sparse_products import sparse_product
from nfc.backends.torch_helpers_transposes import contiguous


class EdgeFactor(TableFactor):
    """Any pattern of edges: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`.

    Its tables are that CSR pattern and the transposed one, whose edge e has the weight
    `permutation[e]`.
    """

    indptr: Tensor
    indices: Tensor
    transposed_indptr: Tensor
    transposed_indices: Tensor
    permutation: Tensor

    def __init__(
        self,
        in_features: int,
        indptr: Tensor,
        indices: Tensor,
        shape: tuple[int, ...],
        bias: bool,
    ):
        super().__init__(in_features, len(indptr) - 1, shape, bias)
        self.set_pattern(indptr, indices)

    def set_pattern(self, indptr: Tensor, indices: Tensor) -> None:
        rows = torch.arange(self.out_features, dtype=torch.int32, device="cpu")
        rows = rows.repeat_interleave(indptr.diff())
        permutation = indices.argsort(stable=True)
        degrees = torch.bincount(indices, minlength=self.in_features)
        self.set_tables(
            indptr=indptr,
            indices=indices,
            transposed_indptr=F.pad(degrees.cumsum(0), (1, 0)).int(),
            transposed_indices=rows[permutation],
            permutation=permutation.int(),
        )

    def tables_in_place(self) -> tuple[Tensor, ...]:
        """The tables; asked for as attributes of a module, they would take longer."""
        at: dict = self._buffers
        transposed = at["transposed_indptr"], at["transposed_indices"], at["permutation"]
        return at["indptr"], at["indices"], *transposed

    def place_tables(self) -> None:
        super().place_tables()
        if "permutation" in self.tables:  # those that are put into a dense matrix have none
            self.edges = KeptEdges(self.tables_in_place(), self.in_features)

    def forward(self, x: Tensor) -> Tensor:
        weight, indptr = weight_of(self), self._buffers["indptr"]
        # `torch.func.functional_call` may set other tables for a call, on another device too.
        if not (simple(x, weight, self.in_features) and self.edges.tables[0] is indptr):
            return super().forward(x)
        return biased(edge_product(weight, x, self.edges), self.bias)

    def product(self, x: Tensor) -> Tensor:
        y = sparse_product(self.weight.flatten(), contiguous(x), False, *self.tables_in_place())
        if not isinstance(x, Tensor) or x.is_meta:
            return y
        device = x.device.type
        return y.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else y


class CsrLinear(EdgeFactor):
    """Any pattern, in CSR: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`."""

    def __init__(self, in_features: int, indptr: Tensor, indices: Tensor, bias: bool = False):
        super().__init__(in_features, indptr, indices, (len(indices),), bias)


class NeighbourLinear(EdgeFactor):
    """The same number of inputs for every output: output o reads the inputs `table[o]`."""

    def __init__(self, in_features: int, table: Tensor, bias: bool = False):
        indptr = torch.arange(len(table) + 1, dtype=torch.int32, device="cpu") * table.shape[1]
        super().__init__(in_features, indptr, table.flatten(), tuple(table.shape), bias)


class EdgewiseBlockSetLinear(NeighbourLinear):
    """`BlockSetLinear` by its edges: nothing is put in order, which is faster for small blocks."""

    def __init__(self, row_sets: Tensor, col_sets: Tensor, bias: bool = False):
        groups, outputs = row_sets.shape
        table = col_sets.repeat_interleave(outputs, dim=0)[row_sets.flatten().argsort()]
        super().__init__(col_sets.numel(), table, bias)
        self.groups = groups
        self.set_tables(row_sets=row_sets, **self.tables)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"


class ShiftLinear(NeighbourLinear):
    """A circulant in mixed radix: o reads i where digitwise (o - i) mod dims is an offset.

    The first digit changes fastest. A torus has dims (side, side), a hypercube (2, 2, ...).
    """

    def __init__(
        self,
        dims: tuple[int, ...],
        offsets: tuple[tuple[int, ...], ...],
        bias: bool = False,
    ):
        super().__init__(math.prod(dims), shift_table(dims, offsets), bias)
        self.dims = dims

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dims={self.dims}"


def shift_table(dims: tuple[int, ...], offsets: tuple[tuple[int, ...], ...]) -> Tensor:
    """The inputs of each output of a circulant in mixed radix, ascending."""
    output = torch.arange(math.prod(dims), device="cpu")
    table = torch.zeros(len(output), len(offsets), dtype=torch.int64, device="cpu")
    stride = 1
    for axis, size in enumerate(dims):
        moves = torch.tensor([offset[axis] for offset in offsets], device="cpu")
        table += (output[:, None] // stride - moves) % size * stride
        stride *= size
    return table.sort(dim=1).values.int()


class ScatteredFactor(EdgeFactor):
    """Edges put into a dense matrix, zero elsewhere, at each step: faster where edges are many."""

    places: Tensor

    def set_pattern(self, indptr: Tensor, indices: Tensor) -> None:
        rows = torch.arange(self.out_features, device="cpu").repeat_interleave(indptr.diff())
        self.set_tables(places=rows * self.in_features + indices)

    def forward(self, x: Tensor) -> Tensor:
        return Factor.forward(self, x)

    def product(self, x: Tensor) -> Tensor:
        dense = spread(self.weight, self.places, (self.out_features, self.in_features))
        return F.linear(x.t(), dense.to(x.dtype)).t()


class ScatteredCsrLinear(ScatteredFactor, CsrLinear):
    """`CsrLinear` by way of a dense matrix."""


class ScatteredNeighbourLinear(ScatteredFactor, NeighbourLinear):
    """`NeighbourLinear` by way of a dense matrix."""


class ScatteredShiftLinear(ScatteredFactor, ShiftLinear):
    """`ShiftLinear` by way of a dense matrix."""
