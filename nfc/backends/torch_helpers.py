# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The layers that emitted modules are made of: each class here is copied into them where it is used.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import inspect
import math

import torch
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

    def feature_first(self, x: Tensor) -> Tensor:
        """The view [in_features, batch] of an input [..., in_features]."""
        # A proxy of torch.fx is no tensor and has no sizes yet.
        if isinstance(x, Tensor) and x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
            )
        if isinstance(x, Tensor) and not (x.is_floating_point() or x.is_complex()):
            raise TypeError(f"{type(self).__name__} expects floating point, found {x.dtype}")
        # x[None] gives an empty batch strides that embedding_bag takes.
        return x[None].reshape(-1, self.in_features).t()

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(self.feature_first(x)).t()
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
        self.stage = (shape[0], 1, 1, features // shape[0])

    def product(self, x: Tensor) -> Tensor:
        return self.weight.to(x.dtype).reshape(-1, 1) * x


def last_product(blocks: Tensor, x: Tensor, order=None) -> Tensor:
    """Features [features, batch], by batched products with x [blocks, inputs, batch].

    They are to be read batch-first from here on. `order` sorts them, as in `moved`.
    """
    if not traced(x):
        return applied(LastProduct, blocks, x, order).flatten(0, -2)
    # Compilers lay gradients out themselves, and traces show plain operations.
    y, features = torch.bmm(blocks, x).flatten(0, 1), blocks.shape[0] * blocks.shape[1]
    return moved(y, order, (features,), (x.shape[-1],))


def applied(function, *arguments):
    """`function.apply`, or its forward where no gradient is wanted: `apply` outlasts small products."""
    if torch.is_grad_enabled():
        return function.apply(*arguments)
    try:
        for argument in arguments:
            if isinstance(argument, Tensor):
                argument.data_ptr()
    except RuntimeError:  # torch.vmap maps over it, so that it has no memory of its own
        return function.apply(*arguments)
    return function.forward(*arguments)


def with_signature(function):
    """Finds an autograd.Function's signature once: `apply` asks at each call, and that is slow."""
    function.forward.__signature__ = inspect.signature(function.forward)
    return function


@with_signature
class LastProduct(torch.autograd.Function):
    """See `last_product`.

    A gradient comes back batch-first. It is transposed once here; left as it is, the product would
    copy each of its little matrices.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(blocks: Tensor, x: Tensor, order) -> Tensor:
        y = torch.bmm(blocks, x)
        if order is None:
            return y
        sizes, axes = order
        y = y.reshape(*sizes, y.shape[-1]).permute(*axes, len(axes))
        return y.clone(memory_format=torch.contiguous_format)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        blocks, x, ctx.order = inputs
        ctx.save_for_backward(blocks, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks, x = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        gradient = contiguous(gradient.flatten(0, -2))
        if ctx.order is not None:
            sizes, axes = ctx.order
            inverse = sorted(range(len(axes)), key=axes.__getitem__)
            order = [sizes[axis] for axis in axes], inverse
            gradient = moved(gradient, order, blocks.shape[:2], x.shape[-1:])
        gradient = gradient.reshape(*blocks.shape[:2], x.shape[-1])
        of_blocks = torch.bmm(gradient, x.mT) if ctx.needs_input_grad[0] else None
        of_x = torch.bmm(blocks.mT, gradient) if ctx.needs_input_grad[1] else None
        return of_blocks, of_x, None


def traced(x: Tensor) -> bool:
    """Whether x stands for numbers, as in torch.compile, torch.export, torch.fx and on meta."""
    plain = type(x) in (Tensor, nn.Parameter)
    return torch.compiler.is_compiling() or not plain or x.is_meta


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a matrix in a CPU's memory, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    return applied(Transpose, x) if x.t().is_contiguous() else x.contiguous()


@with_signature
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous: a shuffle of channels, for which PyTorch has better loops."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        rows, columns = x.shape
        channels = x.t().reshape(1, 1, 1, -1).permute(0, 3, 1, 2)
        return torch.native_channel_shuffle(channels, columns).view(rows, columns)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]


def moved(x: Tensor, order, shape: tuple[int, ...], tail: tuple[int, ...]) -> Tensor:
    """A tensor [*features, *tail] as [*shape, *tail], features in another order if one is given.

    An order is the sizes of the axes that features are split into, and the axes in that order.
    """
    if order is not None:
        sizes, axes = order
        x = x.reshape(*sizes, *tail)
        x = x.permute(*axes, *range(len(axes), len(axes) + len(tail)))
    return x.reshape(*shape, *tail)


class BlockLinear(Factor):
    """A block-diagonal matrix of `groups` dense blocks, each outputs × inputs."""

    def __init__(self, groups: int, outputs: int, inputs: int, bias: bool = False):
        super().__init__(groups * inputs, groups * outputs, (groups, outputs, inputs), bias)
        self.stage = (groups, outputs, inputs, 1)

    def blocks(self) -> Tensor:
        """The blocks, [groups, outputs, inputs]."""
        return self.weight

    def product(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, self.stage[::2])
        return last_product(self.weight, x)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.stage[0]}"


class StridedBlockLinear(Factor):
    """I ⊗ W ⊗ I, a butterfly's stage: output (g, j, s) reads the inputs (g, k, s) for all k.

    Indices have the digits group, block index and stride, the stride's changing fastest.
    """

    def __init__(self, groups: int, outputs: int, inputs: int, stride: int, bias: bool = False):
        shape = (groups, outputs, stride, inputs)
        super().__init__(groups * inputs * stride, groups * outputs * stride, shape, bias)
        self.stage = (groups, outputs, inputs, stride)

    def blocks(self) -> Tensor:
        """The blocks, [groups · stride, outputs, inputs]."""
        return self.weight.transpose(1, 2).flatten(0, 1)

    def product(self, x: Tensor) -> Tensor:
        groups, outputs, inputs, stride = self.stage
        # Strided rows are read in place, but no matrix product reads strided rows and columns.
        x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
        order = ((groups, stride, outputs), (0, 2, 1))
        return last_product(self.blocks(), x, order)

    def extra_repr(self) -> str:
        groups, _, _, stride = self.stage
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
