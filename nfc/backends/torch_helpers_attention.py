# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Modules on sequences of emitted modules: what a module uses of this file is copied into it.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Position(nn.Module):
    """Adds learned numbers to a value [batch, tokens, features], which tell positions apart."""

    def __init__(self, tokens: int, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(tokens, features))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight.to(x.dtype)

    def extra_repr(self) -> str:
        tokens, features = self.weight.shape
        return f"{tokens}, {features}"


class Attention(nn.Module):
    """Multi-head self-attention on [batch, tokens, features]; `causal` hides later tokens."""

    def __init__(
        self,
        q: nn.Module,
        k: nn.Module,
        v: nn.Module,
        o: nn.Module,
        *,
        heads: int,
        causal: bool = False,
    ):
        super().__init__()
        self.q = q
        self.k = k
        self.v = v
        self.o = o
        self.heads = heads
        self.causal = causal

    def split(self, x: Tensor) -> Tensor:
        """The heads of [batch, tokens, features], [batch, heads, tokens, features of a head].

        Fused kernels want the features of a head side by side in memory.
        """
        return x.contiguous().unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        means = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.o(means.transpose(1, 2).flatten(2))

    def extra_repr(self) -> str:
        return f"heads={self.heads}, causal={self.causal}"
