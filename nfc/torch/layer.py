"""The layer that stands in for `nn.Linear`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nfc.defaults import BATCH
from nfc.torch.candidates import kind_of, sizes_of
from nfc.torch.compiled import Recipe
from nfc.torch.fabric import FabricLayer, kept
from nfc.torch.weight import FabricWeight


class FabricLinear(FabricLayer):
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
        recipe = Recipe(in_features, out_features, via, label, init, batch, backward)
        super().__init__(
            recipe, bias=bias, device=device, dtype=dtype, activation=activation, gain=gain, seed=seed
        )
        self.in_features = recipe.in_features
        self.out_features = recipe.out_features

    @classmethod
    def from_dense(
        cls,
        dense: nn.Module,
        *,
        via: str,
        label: str = "",
        batch: int = BATCH,
        backward: bool = True,
    ) -> FabricLinear:
        """A layer that starts from a trained one: from the nearest weights that the topology can hold.

        Bias, device, type, training flag and `requires_grad` are those of the dense layer. How far the
        matrices are apart, ‖new − old‖ / ‖old‖ (Frobenius), is in the layer's `projection_error`.

        Args:
            dense: an `nn.Linear`, or a `Conv1D` of transformers.

        Raises:
            NfcError: the topology is wrong, or does not take the layer's sizes.
            TypeError, ValueError: `dense` is no such layer, or its weights are not finite, or not there.
        """
        kind = kind_of(dense)
        if kind not in ("Linear", "Conv1D"):
            raise TypeError(f"expected an nn.Linear or a Conv1D, found {type(dense).__name__}")
        cols, rows = sizes_of(dense)
        layer = cls(cols, rows, via=via, label=label, batch=batch, backward=backward, **kept(dense))
        layer.start_from(dense)
        return layer

    @property
    def weight(self) -> FabricWeight:
        """The matrix for code that reads it; no parameter, and dense only where its entries are used."""
        return FabricWeight(self)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fabric(x)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}, via={self.via!r}"
