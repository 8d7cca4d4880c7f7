"""A fabric's weights from those of a trained dense layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from nfc.torch.candidates import kind_of
from nfc.torch.descent import Matrix, matrix, tree_of
from nfc.torch.fabric import FabricLayer
from nfc.torch.nearest import nearest_weights, relative_error


@torch.no_grad()  # type: ignore[untyped-decorator]
def project(layer: FabricLayer, dense: nn.Module) -> float:
    """Give a layer the weights that bring its matrix nearest to a dense layer's (`nfc.torch.nearest`).

    A factor alone takes the dense weights at its edges. The bias stays.

    Args:
        layer: of the dense layer's sizes.
        dense: an `nn.Linear`, an `nn.Conv2d` or a `Conv1D` of transformers.

    Returns:
        How far the two are apart, ‖new − old‖ / ‖old‖ (Frobenius).

    Raises:
        ValueError: the dense weights are on the meta device, or not finite.
    """
    target = _matrix(dense)
    fabric = layer.topology.ir
    tree = tree_of(fabric, target.shape[1] // fabric.cols)
    values = nearest_weights(tree, target)
    weights = dict(layer.fabric.named_parameters())
    for place, found in values.items():
        weight = weights[f"{place}.weight" if place else "weight"]
        weight.copy_(torch.from_numpy(found).view_as(weight))
        values[place] = weight.double().cpu().numpy().reshape(-1)
    return relative_error(matrix(tree, values), target)


def _matrix(dense: nn.Module) -> Matrix:
    """The weights as [outputs, inputs], those of a convolution as [outputs, channels · places of the window]."""
    weight: torch.Tensor = dense.weight.detach()
    if weight.is_meta:
        raise ValueError("its weights are on the meta device, where there are none to start from")
    found: Matrix = weight.double().cpu().numpy()
    if not np.isfinite(found).all():
        raise ValueError("its weights are not finite, so that nothing is near them")
    if kind_of(dense) == "Conv1D":
        found = found.T
    return found.reshape(len(found), -1)
