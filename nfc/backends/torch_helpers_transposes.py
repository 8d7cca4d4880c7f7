# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Transposed matrices made contiguous in emitted modules, faster than by PyTorch's copy.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nfc.backends.torch_helpers_functions import applied, prepared
from nfc.backends.torch_helpers_inputs import traced


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a large matrix on a CPU, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    least = 2**15 if torch.is_grad_enabled() else 2**14
    if x.numel() < least or not x.t().is_contiguous():
        return x.contiguous()
    return applied(Transpose, x)


def turned(x: Tensor) -> Tensor:
    """The features of x [batch, features] first, contiguous; for plain numbers on a CPU."""
    if x.numel() < 2**13 or not x.is_contiguous():
        return x.t().contiguous()
    return by_channels(x)


def by_channels(x: Tensor) -> Tensor:
    """A contiguous matrix transposed as a shuffle of channels, for which PyTorch has better loops."""
    channels = x.view(1, 1, 1, -1).permute(0, 3, 1, 2)
    return torch.native_channel_shuffle(channels, len(x)).view(x.shape[::-1])


@prepared
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous; see `by_channels`."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return by_channels(x.t())

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]
