"""The layer that stands in for `nn.Linear`."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from nfc.api import Fabric
from nfc.backends.torch_helpers_groups import LearningRates
from nfc.backends.torch_helpers_state import Network
from nfc.defaults import BATCH
from nfc.diagnostics import describe
from nfc.torch.compiled import Compiled, Recipe, compile_layer, gain_before
from nfc.torch.weight import FabricWeight

logger = logging.getLogger("nfc.torch")


class FabricLinear(Network):
    """y = W x + b over the last axis, [..., in_features] → [..., out_features], with W a fabric of `via`.

    Signature and defaults are those of `nn.Linear`. The parameters are the edges alone, under
    `fabric`, named as in an emitted network (`fabric.weight` of a lone factor, `fabric.0.weight`,
    … of a tree), and `bias`. The state dict also has the digest of the topology, as emitted modules do.

    Args:
        via: a topology expression such as `monarch` or `parallel(2, butterfly(radix=32))`.
        init: `balanced`, `xavier`, `kaiming`, `orthogonal` or `dense_xavier`.
        activation: the one that follows, such as `relu`; weights are drawn with its gain.
        gain: the outputs' second moment for inputs of second moment 1, times the activation's gain.
        seed: of the initial weights; without one it is drawn from PyTorch's generator.
        label: what random topologies without a seed hang on: other labels, other edges.
        batch: rows for which kernels are chosen.
        backward: whether by the time of forward and backward, or of forward alone.

    Warnings, such as of a scheme of initialisation that does not suit the topology, go to the logger
    `nfc.torch`.

    Raises:
        NfcError: the topology is wrong, or does not take these sizes.
        ValueError, TypeError: a size, a seed, a gain or a name is wrong.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        via: str,
        init: str = "balanced",
        activation: str | None = None,
        gain: float = 1.0,
        seed: int | None = None,
        label: str = "",
        batch: int = BATCH,
        backward: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        check_seed(seed)
        if not 0.0 <= gain < inf:
            raise ValueError(f"a gain is at least 0 and finite, found {gain}")
        self._recipe = Recipe(in_features, out_features, via, label, init, batch, backward)
        self.in_features = self._recipe.in_features
        self.out_features = self._recipe.out_features
        self.via = via
        self.seed = seed
        self.gain = gain * gain_before(activation)
        compiled = self._compiled()
        self.topology_digest = compiled.topology_digest
        with nullcontext() if device is None else torch.device(device):
            self.fabric = compiled.module()
            self.bias = nn.Parameter(torch.zeros(self.out_features)) if bias else None
        self.to(dtype=dtype)
        self.reset_parameters()
        for warning in compiled.warnings:
            logger.warning("%s%s", f"{label}: " if label else "", describe(warning))

    @property
    def topology(self) -> Fabric:
        """The wiring, with its factors and its properties, such as `density`."""
        return Fabric(self._compiled().linear.fabric)

    @property
    def weight(self) -> FabricWeight:
        """The matrix for code that reads it; no parameter, and dense only where its entries are used."""
        return FabricWeight(self)

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
        check_seed(seed)
        chosen = next(each for each in (seed, self.seed, drawn_seed()) if each is not None)
        for name, values in self._compiled().initial_weights(chosen, self.gain):
            weights[name].copy_(torch.from_numpy(values))

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit `nn.Linear`."""
        rates = LearningRates(self)
        for name, rate in self._compiled().learning_rates().items():
            rates.set(f"fabric.{name}", rate.multiplier, float(rate.share))
        return rates.groups(lr, weight_decay)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fabric(x)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}, via={self.via!r}"

    def _compiled(self) -> Compiled:
        return compile_layer(self._recipe)


def check_seed(seed: int | None) -> None:
    """Raises ValueError: a seed is given that is none."""
    if seed is not None and not (hasattr(seed, "__index__") and 0 <= seed < 2**64):
        raise ValueError(f"a seed is a whole number, at least 0 and less than 2^64, found {seed!r}")


def drawn_seed() -> int:
    """A seed from PyTorch's generator, so that `torch.manual_seed` decides it."""
    return int(torch.empty((), dtype=torch.int64, device="cpu").random_().item())
