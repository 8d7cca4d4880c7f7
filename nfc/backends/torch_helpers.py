# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""The layers that emitted modules are made of: each class here is copied into them where it is used.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nfc.backends.torch_helpers_inputs import alone, few, simple, small, weight_of
from nfc.backends.torch_helpers_layouts import Layout
from nfc.backends.torch_helpers_products import last_product, spread, strided_product, weights_alone
from nfc.backends.torch_helpers_rows import few_product, row_stages


class Factor(nn.Module, ABC):
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

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """The output [out_features, batch] for x [in_features, batch]."""

    def feature_first(self, x: Tensor) -> Tensor:
        """The view [in_features, batch] of an input [..., in_features]."""
        if isinstance(x, Tensor):  # a proxy of torch.fx has no sizes yet
            if x.shape[-1:] != (self.in_features,):
                raise ValueError(
                    f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
                )
            if not (x.is_floating_point() or x.is_complex()):
                raise TypeError(f"{type(self).__name__} expects floating point, found {x.dtype}")
            if x.dim() == 2:
                return x.t()
        return x.reshape(-1, self.in_features).t()

    def forward(self, x: Tensor) -> Tensor:
        return biased(batch_first(self.product(self.feature_first(x)), x), self.bias)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, edges={self.weight.numel()}, bias={self.bias is not None}"


def batch_first(y: Tensor, x: Tensor) -> Tensor:
    """The output y [features, batch] as [..., features], with the leading axes of the input x."""
    if isinstance(x, Tensor) and x.dim() == 2:
        return y.t()
    return y.t().reshape(x.shape[:-1] + (y.shape[0],))


def biased(y: Tensor, bias: Tensor | None) -> Tensor:
    """The output y and the bias, if there is one, in the type of y, which autocast chooses."""
    return y if bias is None else y + bias.to(y.dtype)


class WideningLinear(nn.Linear):
    """A dense matrix with few inputs that writes feature-first, as factors do: faster for a batch."""

    def forward(self, x: Tensor) -> Tensor:
        weight = weight_of(self)
        if not simple(x, weight, self.in_features) or len(x) < 16:
            return super().forward(x)
        return biased(torch.mm(weight, x.t()).t(), self.bias)


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
        self.stage = (groups, outputs, inputs, 1)

    def blocks(self) -> Tensor:
        """The blocks, [groups, outputs, inputs]."""
        return self.weight

    def forward(self, x: Tensor) -> Tensor:
        weight = weight_of(self)
        if not simple(x, weight, self.in_features):
            return super().forward(x)
        if alone(x, weight.numel()):
            return biased(weights_alone(weight, self.stage, x), self.bias)
        if weight.numel() >= 2**15 or not small(x):
            if few(x, 0, weight.numel()):
                return biased(few_product(row_stages(self.stage), x, weight), self.bias)
            return super().forward(x)
        groups, _, inputs, _ = self.stage
        y = torch.bmm(weight, x.view(len(x), groups, inputs).permute(1, 2, 0))
        return biased(y.view(self.out_features, len(x)).t(), self.bias)

    def product(self, x: Tensor) -> Tensor:
        if few(x, -1, math.prod(self.stage)):
            return few_product(row_stages(self.stage), x.t(), self.weight).t()
        return last_product(self.weight, x.unflatten(0, self.stage[::2]))

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
        self.layout = Layout((groups, stride, outputs), (0, 2, 1))

    def blocks(self) -> Tensor:
        """The blocks, [groups · stride, outputs, inputs]."""
        return self.weight.transpose(1, 2).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = weight_of(self)
        if not simple(x, weight, self.in_features):
            return super().forward(x)
        if alone(x, weight.numel()):
            return biased(weights_alone(weight, self.stage, x), self.bias)
        if few(x, 0, weight.numel()):
            return biased(few_product(row_stages(self.stage), x, self.blocks()), self.bias)
        return super().forward(x)

    def product(self, x: Tensor) -> Tensor:
        return strided_product(self.blocks(), x, self.stage, self.layout)

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
        self.stage = digits
        groups, outputs, _, stride = digits
        self.layout = Layout((groups, stride, outputs), (0, 2, 1)) if stride > 1 else None
        self.set_tables(places=places)

    def product(self, x: Tensor) -> Tensor:
        groups, outputs, inputs, stride = self.stage
        blocks = spread(self.weight, self.places, (groups, outputs, stride, inputs))
        missing = groups * inputs * stride - self.in_features
        if missing:
            x = torch.cat([x, x.new_zeros(missing, 1).expand(-1, x.shape[1])])
        blocks = blocks.transpose(1, 2).flatten(0, 1)
        return strided_product(blocks, x, self.stage, self.layout)[: self.out_features]

    def extra_repr(self) -> str:
        groups, _, _, stride = self.stage
        return f"{super().extra_repr()}, groups={groups}, stride={stride}"


class Sum(nn.ModuleList):
    """Parts on the same input whose outputs add."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self
        y = first(x)
        for part in others:
            y = y + part(x)
        return y


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
        return biased(self.fabric(x), self.bias)

    def extra_repr(self) -> str:
        return f"out_features={self.out_features}, bias={self.bias is not None}"
