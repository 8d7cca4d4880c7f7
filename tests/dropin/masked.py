"""The dense twin in plain torch.nn: a Linear whose weight is multiplied by a mask."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from nfc.torch import FabricLinear
from tests.torch.dense import dense_matrix

SINGLE = (
    "block(size=8)",
    "diagonal",
    "random(fan_in=5)",
    "bernoulli(.3)",
    "hypercube",
    "torus",
    "n_of_m(2, 4)",
)
"""Topologies of one factor at 64 → 64, one of every kind of kernel that has a table or none."""

TREES = (
    "monarch",
    "butterfly(radix=2)",
    "parallel(2, butterfly(radix=8))",
    'diagonal >> random(fan_in=3) >> permute("shuffle")',
    "monarch + bernoulli(.1)",
)


class MaskedLinear(nn.Linear):
    """A Linear that keeps its dense weight and multiplies it by a mask at each step."""

    mask: torch.Tensor

    def __init__(self, mask: torch.Tensor, bias: bool = True):
        super().__init__(mask.shape[1], mask.shape[0], bias)
        self.register_buffer("mask", mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


def masked_twin(layer: FabricLinear) -> MaskedLinear:
    """The twin of a layer of one factor, with the same weights; edges are in CSR order."""
    (factor,) = layer.topology.factors
    mask = torch.tensor(factor.csr().toarray(), dtype=torch.float32)
    twin = MaskedLinear(mask, bias=layer.bias is not None)
    with torch.no_grad():
        twin.weight.zero_()
        twin.weight[mask.bool()] = layer.fabric.weight.flatten()
        if layer.bias is not None:
            twin.bias.copy_(layer.bias)
    return twin


def matrix(layer: FabricLinear) -> torch.Tensor:
    """The matrix of any layer, [rows, cols], from each factor's CSR arrays; differentiable in the edges."""
    return dense_matrix(layer.topology.ir, dict(layer.named_parameters()), "fabric")


def edges(twin: MaskedLinear, values: torch.Tensor) -> np.ndarray:
    """The entries of a dense array at the mask, in CSR order."""
    return values.detach()[twin.mask.bool()].numpy()
