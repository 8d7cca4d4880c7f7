# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The convolutions that emitted modules are made of: each class is copied into them where it is used.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from nfc.backends.torch_helpers import TableFactor
from nfc.backends.torch_helpers_cascade import Cascade, Run
from nfc.backends.torch_helpers_fuse import FusedCascade
from nfc.backends.torch_helpers_products import spread
from nfc.backends.torch_helpers_sets import reordered
from nfc.backends.torch_helpers_sparse import EdgeFactor, shift_table


class ConvFactor(TableFactor):
    """A convolution whose channels a sparse factor wires; `weight` holds a kernel for each edge.

    `product` maps [batch, in_features, H, W] to [batch, out_features, H', W'].
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        shape: tuple[int, ...],
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool,
    ):
        super().__init__(in_features, out_features, shape + kernel_size, bias)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.set_tables()

    def convolved(self, x: Tensor, weight: Tensor, groups: int) -> Tensor:
        """The grouped convolution by a weight [outputs, inputs of a group, *kernel_size]."""
        return F.conv2d(x, weight, None, self.stride, self.padding, 1, groups)

    def forward(self, x: Tensor) -> Tensor:
        return channel_biased(self.product(x), self.bias)

    def extra_repr(self) -> str:
        windows = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{super().extra_repr()}, {windows}"


def channel_biased(y: Tensor, bias: Tensor | None) -> Tensor:
    """The output y [batch, channels, H, W] and the bias, if there is one, in the type of y."""
    return y if bias is None else y + bias.to(y.dtype)[:, None, None]


class BlockConv2d(ConvFactor):
    """A grouped convolution: channels in `groups` dense blocks, each outputs × inputs."""

    def __init__(
        self,
        groups: int,
        outputs: int,
        inputs: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool = False,
    ):
        shape = (groups, outputs, inputs)
        sizes = (groups * inputs, groups * outputs)
        super().__init__(*sizes, shape, kernel_size, stride, padding, bias)
        self.groups = groups

    def product(self, x: Tensor) -> Tensor:
        return self.convolved(x, self.weight.flatten(0, 1), self.groups)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"


class StridedBlockConv2d(ConvFactor):
    """I ⊗ W ⊗ I on channels: output (g, j, s) reads the inputs (g, k, s) for all k.

    A grouped convolution between two channel shuffles.
    """

    def __init__(
        self,
        groups: int,
        outputs: int,
        inputs: int,
        lanes: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool = False,
    ):
        shape = (groups, outputs, lanes, inputs)
        sizes = (groups * inputs * lanes, groups * outputs * lanes)
        super().__init__(*sizes, shape, kernel_size, stride, padding, bias)
        self.stage = (groups, outputs, inputs, lanes)

    def product(self, x: Tensor) -> Tensor:
        return strided_convolution(self, x, self.weight, self.stage)

    def extra_repr(self) -> str:
        groups, _, _, lanes = self.stage
        return f"{super().extra_repr()}, groups={groups}, lanes={lanes}"


def strided_convolution(
    module: ConvFactor, x: Tensor, weight: Tensor, stage: tuple[int, int, int, int]
) -> Tensor:
    """The convolution of x by a weight [groups, outputs, lanes, inputs, *kernel_size]."""
    groups, outputs, inputs, lanes = stage
    blocks = weight.transpose(1, 2).flatten(0, 2)
    y = module.convolved(shuffled(x, (groups, inputs, lanes)), blocks, groups * lanes)
    return shuffled(y, (groups, lanes, outputs))


def shuffled(x: Tensor, sizes: tuple[int, int, int]) -> Tensor:
    """The channels (g, k, s) of [batch, channels, H, W] in the order (g, s, k)."""
    if 1 in sizes[1:]:
        return x
    return x.unflatten(1, sizes).transpose(2, 3).flatten(1, 3)


class PartialBlockConv2d(ConvFactor):
    """I ⊗ W ⊗ I on channels, cut to its first inputs and outputs, some edges missing.

    `places` says where each kernel lies among the flattened blocks; the rest of them is zero.
    """

    places: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        digits: tuple[int, int, int, int],
        places: Tensor,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool = False,
    ):
        shape = (len(places),)
        super().__init__(in_features, out_features, shape, kernel_size, stride, padding, bias)
        self.stage = digits
        area = math.prod(kernel_size)
        self.set_tables(places=patch_places(places, area))

    def product(self, x: Tensor) -> Tensor:
        groups, outputs, inputs, lanes = self.stage
        shape = (groups, outputs, lanes, inputs, *self.kernel_size)
        blocks = spread(self.weight, self.places, shape)
        missing = groups * inputs * lanes - self.in_features
        if missing:
            x = F.pad(x, (0, 0, 0, 0, 0, missing))
        return strided_convolution(self, x, blocks, self.stage)[:, : self.out_features]


def patch_places(places: Tensor, area: int) -> Tensor:
    """Numbers of edges, or of inputs, as those of their kernels' entries or of patches' features."""
    offsets = torch.arange(area, dtype=places.dtype, device="cpu")
    return (places.flatten()[:, None] * area + offsets).flatten()


class BlockSetConv2d(ConvFactor):
    """Dense blocks between sets of channels: rows `row_sets[t]` read columns `col_sets[t]`."""

    rows: Tensor
    row_places: Tensor
    columns: Tensor

    def __init__(
        self,
        row_sets: Tensor,
        col_sets: Tensor,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool = False,
    ):
        shape, sizes = (row_sets.numel(), col_sets.shape[1]), (col_sets.numel(), row_sets.numel())
        super().__init__(*sizes, shape, kernel_size, stride, padding, bias)
        self.groups = len(row_sets)
        rows, columns = row_sets.flatten(), col_sets.flatten()
        self.set_tables(rows=rows, row_places=rows.argsort().int(), columns=columns)

    def product(self, x: Tensor) -> Tensor:
        weight = reordered(self.weight, self.rows, self.row_places)
        y = self.convolved(x.index_select(1, self.columns), weight, self.groups)
        return y.index_select(1, self.row_places)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"


class EdgeConv2d(EdgeFactor):
    """A convolution whose channels any pattern of edges wires: a sparse product with its patches.

    A patch holds the features (channel, row of the window, column of the window).
    """

    def __init__(
        self,
        in_channels: int,
        indptr: Tensor,
        indices: Tensor,
        shape: tuple[int, ...],
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        bias: bool = False,
    ):
        area = math.prod(kernel_size)
        patches = patch_places(indices, area)
        super().__init__(in_channels * area, indptr * area, patches, shape + kernel_size, bias)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        axes = zip((2, 3), self.kernel_size, self.stride, self.padding, strict=True)
        size = [(x.shape[i] + 2 * pad - kernel) // step + 1 for i, kernel, step, pad in axes]
        patches = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)
        y = self.product(patches.transpose(0, 1).flatten(1))
        return channel_biased(y.unflatten(1, (-1, *size)).transpose(0, 1), self.bias)

    def extra_repr(self) -> str:
        windows = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{super().extra_repr()}, {windows}"


class CsrConv2d(EdgeConv2d):
    """Any pattern, in CSR: channel o reads the channels `indices[indptr[o] : indptr[o + 1]]`."""

    def __init__(self, in_channels: int, indptr: Tensor, indices: Tensor, **others):
        super().__init__(in_channels, indptr, indices, (len(indices),), **others)


class NeighbourConv2d(EdgeConv2d):
    """As many channels for every output: channel o reads the channels `table[o]`."""

    def __init__(self, in_channels: int, table: Tensor, **others):
        indptr = torch.arange(len(table) + 1, dtype=torch.int32, device="cpu") * table.shape[1]
        super().__init__(in_channels, indptr, table.flatten(), tuple(table.shape), **others)


class ShiftConv2d(NeighbourConv2d):
    """Channels wired by a circulant in mixed radix, as `shift_table` says."""

    def __init__(self, dims: tuple[int, ...], offsets: tuple[tuple[int, ...], ...], **others):
        super().__init__(math.prod(dims), shift_table(dims, offsets), **others)


class ScatteredConv2d(EdgeConv2d):
    """Kernels put into a dense weight, zero elsewhere, at each step: faster where edges are many."""

    places: Tensor

    def set_pattern(self, indptr: Tensor, indices: Tensor) -> None:
        rows = torch.arange(self.out_features, device="cpu").repeat_interleave(indptr.diff())
        self.set_tables(places=rows * self.in_features + indices)

    def forward(self, x: Tensor) -> Tensor:
        shape = (self.out_features, -1, *self.kernel_size)
        dense = spread(self.weight, self.places, (self.out_features, self.in_features))
        y = F.conv2d(x, dense.view(shape), None, self.stride, self.padding)
        return channel_biased(y, self.bias)


class ScatteredCsrConv2d(ScatteredConv2d, CsrConv2d):
    """`CsrConv2d` by way of a dense weight."""


class ScatteredNeighbourConv2d(ScatteredConv2d, NeighbourConv2d):
    """`NeighbourConv2d` by way of a dense weight."""


class ScatteredShiftConv2d(ScatteredConv2d, ShiftConv2d):
    """`ShiftConv2d` by way of a dense weight."""


class ConvCascade(Cascade):
    """A convolution, then factors on the channels at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = self[0](x)
        y = x.transpose(0, 1).flatten(1).t()
        for step in self.plan[1:]:
            y = self.run(step, y) if isinstance(step, Run) else self[step](y)
        return y.t().unflatten(1, (-1, x.shape[2], x.shape[3])).transpose(0, 1)


class FusedConvCascade(ConvCascade, FusedCascade):
    """A convolution, then factors of which neighbours are multiplied out, as in `FusedCascade`."""


class FabricConv2d(nn.Module):
    """A convolution whose channels a fabric wires: cascades and sums of factors."""

    def __init__(self, fabric: nn.Module, out_channels: int, bias: bool = False):
        super().__init__()
        self.fabric = fabric
        self.out_channels = out_channels
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return channel_biased(self.fabric(x), self.bias)

    def extra_repr(self) -> str:
        return f"out_channels={self.out_channels}, bias={self.bias is not None}"


class ConcatChannels(nn.ModuleList):
    """Parts on the same input whose outputs stand side by side, channel by channel."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self], dim=1)


class FeatureGroupNorm(nn.GroupNorm):
    """Groups of the last axis, each with mean 0 and variance 1, at every position."""

    def forward(self, x: Tensor) -> Tensor:
        groups = x.unflatten(-1, (self.num_groups, self.num_channels // self.num_groups))
        y = F.layer_norm(groups, groups.shape[-1:], eps=self.eps).flatten(-2)
        return y * self.weight + self.bias


class FeatureRMSNorm(nn.RMSNorm):
    """As `nn.RMSNorm`, in the type of its weight: PyTorch has no kernel for two types, as autocast would bring."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))
