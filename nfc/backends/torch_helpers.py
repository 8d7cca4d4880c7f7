# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The layers that emitted modules are made of: each class here is copied into them where it is used.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Factor(nn.Module):
    """A sparse linear map of the last axis; `weight` holds its edges and nothing else.

    Subclasses multiply feature-first, [features, batch]. What they return is batch-first by shape
    and feature-first in memory where they can, so that the next factor reads it without a copy.
    """

    def __init__(self, in_features: int, out_features: int, shape: tuple[int, ...], bias: bool):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def product(self, x: Tensor) -> Tensor:
        """The output [out_features, batch] for x [in_features, batch]."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        # A proxy of torch.fx is no tensor and has no sizes yet.
        if isinstance(x, Tensor) and x.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
            )
        # x[None] gives an empty batch strides that embedding_bag takes.
        y = self.product(x[None].reshape(-1, self.in_features).t()).t()
        y = y.reshape(x.shape[:-1] + (self.out_features,))
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, edges={self.weight.numel()}, bias={self.bias is not None}"


class DiagonalLinear(Factor):
    """Each feature times a weight of its own."""

    def __init__(self, shape: tuple[int, ...], bias: bool = False):
        features = math.prod(shape)
        super().__init__(features, features, shape, bias)

    def product(self, x: Tensor) -> Tensor:
        return self.weight.to(x.dtype).reshape(-1, 1) * x


class BlockLinear(Factor):
    """A block-diagonal matrix of `groups` dense blocks, each outputs × inputs."""

    def __init__(self, groups: int, outputs: int, inputs: int, bias: bool = False):
        super().__init__(groups * inputs, groups * outputs, (groups, outputs, inputs), bias)
        self.blocks = (groups, inputs)

    def product(self, x: Tensor) -> Tensor:
        return torch.bmm(self.weight, x.unflatten(0, self.blocks)).flatten(0, 1)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.blocks[0]}"


class StridedBlockLinear(Factor):
    """I ⊗ W ⊗ I, a butterfly's stage: output (g, j, s) reads the inputs (g, k, s) for all k.

    Indices have the digits group, block index and stride, the stride's changing fastest.
    """

    def __init__(self, groups: int, outputs: int, inputs: int, stride: int, bias: bool = False):
        shape = (groups, outputs, stride, inputs)
        super().__init__(groups * inputs * stride, groups * outputs * stride, shape, bias)
        self.digits = (groups, inputs, stride)

    def product(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, self.digits).transpose(1, 2)
        return (self.weight.transpose(1, 2) @ x).transpose(1, 2).flatten(0, 2)

    def extra_repr(self) -> str:
        groups, _, stride = self.digits
        return f"{super().extra_repr()}, groups={groups}, stride={stride}"


class TableFactor(Factor):
    """A factor with tables: buffers on the weight's device that are in no state dict.

    The tables that it was made of are kept, so that a module moved off the meta device has them.
    """

    tables: dict[str, Tensor]

    def set_tables(self, **tables: Tensor) -> None:
        self.tables = tables
        self.place_tables()

    def place_tables(self) -> None:
        """Put the tables where the weight is."""
        for name, table in self.tables.items():
            self.register_buffer(name, table.to(self.weight.device), persistent=False)

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.place_tables()
        return self

    def _load_from_state_dict(self, *arguments):
        device = self.weight.device
        super()._load_from_state_dict(*arguments)
        if self.weight.device != device:  # load_state_dict(..., assign=True)
            self.place_tables()


class PartialBlockLinear(TableFactor):
    """I ⊗ W ⊗ I cut to its first inputs and outputs, some edges missing.

    `places` says where each weight lies among the flattened blocks; the rest of them is zero.
    """

    places: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        digits: tuple[int, int, int, int],
        places: Tensor,
        bias: bool = False,
    ):
        super().__init__(in_features, out_features, (len(places),), bias)
        self.groups, self.outputs, self.inputs, self.stride = digits
        self.set_tables(places=places)

    def product(self, x: Tensor) -> Tensor:
        shape = (self.groups, self.outputs, self.stride, self.inputs)
        blocks = self.weight.new_zeros(math.prod(shape)).index_add(0, self.places, self.weight)
        missing = self.groups * self.inputs * self.stride - self.in_features
        if missing:
            x = torch.cat([x, x.new_zeros(missing, 1).expand(-1, x.shape[1])])
        x = x.unflatten(0, (self.groups, self.inputs, self.stride)).transpose(1, 2)
        y = (blocks.view(shape).transpose(1, 2) @ x).transpose(1, 2).flatten(0, 2)
        return y[: self.out_features]

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}, stride={self.stride}"


class BlockSetLinear(TableFactor):
    """Dense blocks between sets of features: rows `row_sets[t]` read columns `col_sets[t]`."""

    row_sets: Tensor
    col_sets: Tensor
    inverse: Tensor

    def __init__(self, row_sets: Tensor, col_sets: Tensor, bias: bool = False):
        rows, width = row_sets.numel(), col_sets.shape[1]
        super().__init__(col_sets.numel(), rows, (rows, width), bias)
        inverse = row_sets.flatten().argsort()  # inverse permutation of the rows
        self.set_tables(row_sets=row_sets, col_sets=col_sets, inverse=inverse)

    def product(self, x: Tensor) -> Tensor:
        weight = self.weight.index_select(0, self.row_sets.flatten())
        x = x.index_select(0, self.col_sets.flatten())
        weight = weight.unflatten(0, self.row_sets.shape)
        y = torch.bmm(weight, x.unflatten(0, self.col_sets.shape)).flatten(0, 1)
        return y.index_select(0, self.inverse)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={len(self.row_sets)}"


class NeighbourLinear(TableFactor):
    """The same number of inputs for every output: output o reads the inputs `table[o]`."""

    table: Tensor

    def __init__(self, in_features: int, table: Tensor, bias: bool = False):
        super().__init__(in_features, len(table), tuple(table.shape), bias)
        self.set_tables(table=table)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        # embedding_bag takes weights of the rows' type alone, which autocast does not see to.
        return F.embedding_bag(
            self.table,
            x.contiguous(),
            mode="sum",
            per_sample_weights=self.weight.to(x.dtype),
        )


class ShiftLinear(NeighbourLinear):
    """A circulant in mixed radix: output o reads input i where digitwise (o - i) mod dims is an offset.

    The first digit changes fastest. A torus has dims (side, side), a hypercube (2, 2, ...).
    """

    def __init__(
        self,
        dims: tuple[int, ...],
        offsets: tuple[tuple[int, ...], ...],
        bias: bool = False,
    ):
        output = torch.arange(math.prod(dims), device="cpu")
        table = torch.zeros(len(output), len(offsets), dtype=torch.int64, device="cpu")
        stride = 1
        for axis, size in enumerate(dims):
            moves = torch.tensor([offset[axis] for offset in offsets], device="cpu")
            table += (output[:, None] // stride - moves) % size * stride
            stride *= size
        super().__init__(len(output), table.sort(dim=1).values.int(), bias)
        self.dims = dims

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dims={self.dims}"


class CsrLinear(TableFactor):
    """Any pattern, in CSR: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`."""

    indptr: Tensor
    indices: Tensor

    def __init__(self, in_features: int, indptr: Tensor, indices: Tensor, bias: bool = False):
        super().__init__(in_features, len(indptr) - 1, (len(indices),), bias)
        self.set_tables(indptr=indptr, indices=indices)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        # embedding_bag takes weights of the rows' type alone, which autocast does not see to.
        return F.embedding_bag(
            self.indices,
            x.contiguous(),
            self.indptr,
            mode="sum",
            per_sample_weights=self.weight.to(x.dtype),
            include_last_offset=True,
        )


class Sum(nn.ModuleList):
    """Parts on the same input whose outputs add."""

    def forward(self, x: Tensor) -> Tensor:
        return sum(part(x) for part in self)


class Concat(nn.ModuleList):
    """Parts on the same input whose outputs stand side by side on the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self], dim=-1)


class FabricLinear(nn.Module):
    """A linear layer whose matrix is a fabric: cascades and sums of factors."""

    def __init__(self, fabric: nn.Module, out_features: int, bias: bool = False):
        super().__init__()
        self.fabric = fabric
        self.out_features = out_features
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.fabric(x)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        return f"out_features={self.out_features}, bias={self.bias is not None}"
