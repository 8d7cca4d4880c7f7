# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Parameter groups of emitted modules: what a module uses of this file is copied into it.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

from torch import nn


class LearningRates:
    """How fast a module's parameters learn and decay, as multiples of what suits dense layers.

    Parameters that are not set learn at the rate as it is; matrices among them decay, vectors
    (biases, scales and shifts) do not.
    """

    def __init__(self, module: nn.Module):
        self.module = module
        self.multiples: dict[nn.Parameter, tuple[float, float]] = {}

    def set(self, name: str, rate: float, decay: float) -> None:
        """A factor's rate, and its share of the decay of the matrix that it is a factor of."""
        weight = dict(self.module.named_parameters(remove_duplicate=False)).get(name)
        if weight is None:
            raise TypeError(f"{name} is no parameter; take parametrizations and pruning off before")
        # Optimizers multiply the decay by the rate of its group.
        self.multiples[weight] = (rate, decay / rate)

    def groups(self, lr: float, weight_decay: float) -> list[dict]:
        """An optimizer's groups: every parameter once, those with the same multiples together."""
        found: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.module.parameters():
            default = (1.0, 1.0 if parameter.ndim > 1 else 0.0)
            found.setdefault(self.multiples.get(parameter, default), []).append(parameter)
        return [
            {"params": parameters, "lr": lr * rate, "weight_decay": weight_decay * decay}
            for (rate, decay), parameters in found.items()
        ]
