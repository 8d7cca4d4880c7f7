"""What layers whose matrix is a fabric have in common."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from math import inf
from typing import Any

import torch
from torch import nn

from nfc.api import Fabric
from nfc.backends.torch_helpers_groups import LearningRates
from nfc.backends.torch_helpers_state import Network
from nfc.diagnostics import describe
from nfc.philox import check_seed
from nfc.torch.compiled import Compiled, Recipe, compile_layer, gain_before

logger = logging.getLogger("nfc.torch")


class FabricLayer(Network):
    """A layer with the edges of a fabric for weights, under `fabric`, and perhaps a `bias`.

    Attributes:
        via: the topology as written.
        seed: of the initial weights; None where it is drawn.
        gain: the outputs' second moment for inputs of second moment 1.
        topology_digest: in the state dict too, as in that of emitted modules.
        projection_error: how far the matrix started from that of a dense layer, ‖new − old‖ / ‖old‖
            (Frobenius); None where it was drawn.
    """

    bias: nn.Parameter | None
    projection_error: float | None = None

    def __init__(
        self,
        recipe: Recipe,
        *,
        bias: bool,
        device: torch.device | str | int | None,
        dtype: torch.dtype | None,
        activation: str | None,
        gain: float,
        seed: int | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if seed is not None:
            check_seed(seed)
        if not 0.0 <= gain < inf:
            raise ValueError(f"a gain is at least 0 and finite, found {gain}")
        self._recipe = recipe
        self.via = recipe.via
        self.seed = seed
        self.gain = gain * gain_before(activation)
        compiled = self._compiled()
        self.topology_digest = compiled.topology_digest
        with nullcontext() if device is None else torch.device(device):
            self.fabric = compiled.module()
            self.bias = nn.Parameter(torch.zeros(recipe.out_features)) if bias else None
        self.to(dtype=dtype)
        self.reset_parameters()
        for warning in compiled.warnings:
            logger.warning("%s%s", f"{recipe.label}: " if recipe.label else "", describe(warning))

    @property
    def topology(self) -> Fabric:
        """The wiring, with its factors and its properties, such as `density`."""
        return Fabric(self._compiled().layer.fabric)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def reset_parameters(self, seed: int | None = None) -> None:
        """Draw the weights of `seed`, by default of the layer's own; the bias to 0.

        A layer that was made without a seed draws a new one from PyTorch's generator.
        """
        if self.bias is not None:
            self.bias.zero_()
        weights = dict(self.fabric.named_parameters())
        if any(weight.is_meta for weight in weights.values()):
            return
        if seed is not None:
            check_seed(seed)
        chosen = next(each for each in (seed, self.seed, drawn_seed()) if each is not None)
        for name, values in self._compiled().initial_weights(chosen, self.gain):
            weights[name].copy_(torch.from_numpy(values))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def start_from(self, dense: nn.Module) -> float:
        """Take the nearest weights to those of a dense layer of the same sizes, and its bias, by copying.

        Returns:
            The `projection_error`.

        Raises:
            ValueError: the dense weights are on the meta device, or not finite.
        """
        from nfc.torch.project import project

        self.projection_error = project(self, dense)
        if self.bias is not None:
            self.bias.copy_(dense.bias)
            self.bias.requires_grad_(dense.bias.requires_grad)
        self.fabric.requires_grad_(dense.weight.requires_grad)
        self.train(dense.training)
        return self.projection_error

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit the dense layer."""
        rates = LearningRates(self)
        for name, rate in self._compiled().learning_rates().items():
            rates.set(f"fabric.{name}", rate.multiplier, float(rate.share))
        return rates.groups(lr, weight_decay)

    def _compiled(self) -> Compiled:
        return compile_layer(self._recipe)


def kept(dense: nn.Module) -> dict[str, Any]:
    """What a layer in the place of a dense one takes over: whether it has a bias, its device and its type."""
    weight: torch.Tensor = dense.weight
    return {"bias": getattr(dense, "bias", None) is not None, "device": weight.device, "dtype": weight.dtype}


def drawn_seed() -> int:
    """A seed from PyTorch's generator, so that `torch.manual_seed` decides it."""
    return int(torch.empty((), dtype=torch.int64, device="cpu").random_().item())
