"""Parameter groups of a model that holds fabrics among ordinary layers."""

from __future__ import annotations

from typing import Any

from torch import nn

from nfc.backends.torch_helpers_groups import LearningRates


def parameter_groups(model: nn.Module, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
    """Groups for an optimizer of Adam's family, best AdamW, by which fabrics learn as dense layers would.

    Every parameter is in one group, frozen ones too, as in `model.parameters()`. The factors of a
    `FabricLinear`, or of an emitted network that is a part of the model, have rates and decays of their
    own (docs/learning_rates.md); other parameters have `lr`, and `weight_decay` unless they are vectors
    or scalars, such as biases and the scales of norms.

    Args:
        lr: the learning rate for the model with dense layers in the place of fabrics.
        weight_decay: its decoupled weight decay.

    Returns:
        Dicts with `params`, `lr` and `weight_decay`, in the order of their first parameters.

    Raises:
        TypeError: the model is no module.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a model, a torch.nn.Module, found {model!r}")
    rates = LearningRates(model)
    for module in model.modules():
        if hasattr(module, "topology_digest") and hasattr(module, "parameter_groups"):
            for group in module.parameter_groups(1.0, 1.0):
                multiples = group["lr"], group["weight_decay"]
                rates.multiples.update(dict.fromkeys(group["params"], multiples))
    return rates.groups(lr, weight_decay)
