"""The dense masked network: each factor's weights scattered into a rows × cols matrix, in PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.network import Linear


def dense_matrix(fabric: Fabric, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """The matrix of a fabric, [rows, cols], differentiable in the weights under `name`."""
    match fabric:
        case Cascade(parts=parts):
            product = dense_matrix(parts[0], weights, f"{name}.0")
            for index, part in enumerate(parts[1:], 1):
                product = dense_matrix(part, weights, f"{name}.{index}") @ product
            return product
        case Sum(parts=parts):
            return sum(dense_matrix(part, weights, f"{name}.{index}") for index, part in enumerate(parts))
        case factor:
            indptr, indices = factor.arrays()
            values = weights[f"{name}.weight"].flatten()
            rows = torch.tensor(np.repeat(np.arange(factor.rows), np.diff(indptr)))
            matrix = torch.zeros(factor.shape, dtype=values.dtype)
            return matrix.index_put((rows, torch.tensor(indices)), values)


def dense_layer(layer: Linear, weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The layer's output by its dense matrix."""
    lone = not isinstance(layer.fabric, Cascade | Sum)
    matrix = dense_matrix(layer.fabric, weights, layer.path if lone else f"{layer.path}.fabric")
    y = x @ matrix.T
    return y + weights[f"{layer.path}.bias"] if layer.bias else y
