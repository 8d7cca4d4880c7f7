"""The layer that stands in for `nn.Conv2d`."""

from __future__ import annotations

from operator import index
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from nfc.backends.torch_helpers_convolutions import channel_biased
from nfc.defaults import BATCH
from nfc.ir.convolutions import Pair
from nfc.torch.compiled import Recipe, Window
from nfc.torch.fabric import FabricLayer, kept

PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
"""The modes of `nn.Conv2d` as `F.pad` calls them."""

Sizes = int | tuple[int, int]


class FabricConv2d(FabricLayer):
    """A convolution [N, in_channels, H, W] → [N, out_channels, H', W'] whose channels the fabric of `via` wires.

    Signature and defaults are those of `nn.Conv2d`, without groups, which a topology such as `block`
    makes, and without dilation. The factors that read the input have a kernel on every edge; the
    others work at each position. The parameters are named as in an emitted network: `fabric.weight`
    of a lone factor, `fabric.0.weight`, … of a tree, and `bias`. The state dict also has the digest
    of the topology. An image without a batch axis is taken too.

    Args:
        padding: zeros on either side, or `same` (with a stride of 1) or `valid`.
        padding_mode: `zeros`, `reflect`, `replicate` or `circular`.
        via: a topology expression such as `monarch` or `block(size=16)`, on channels.
        init, activation, gain, seed, label: as for `FabricLinear`.
        batch: places of the output (images times height times width) for which kernels are chosen.
        backward: whether by the time of forward and backward, or of forward alone.

    Raises:
        NfcError: the topology is wrong, or does not take these channels.
        ValueError, TypeError: a size, a mode, a seed, a gain or a name is wrong, or groups or dilation
            are asked for.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
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
        _refuse(pair(dilation, "dilation", 1), groups, padding_mode)
        kernel, steps = pair(kernel_size, "kernel_size", 1), pair(stride, "stride", 1)
        border = borders(padding, kernel, steps)
        inside = (border[2], border[0]) if padding_mode == "zeros" and _is_even(border) else (0, 0)
        window = Window(kernel, steps, inside)
        recipe = Recipe(in_channels, out_channels, via, label, init, batch, backward, window)
        super().__init__(
            recipe, bias=bias, device=device, dtype=dtype, activation=activation, gain=gain, seed=seed
        )
        self.in_channels, self.out_channels = recipe.in_features, recipe.out_features
        self.kernel_size, self.stride, self.padding = kernel, steps, _written(padding)
        self.dilation, self.groups, self.padding_mode = (1, 1), 1, padding_mode
        self._border = border if inside == (0, 0) else (0, 0, 0, 0)

    @classmethod
    def from_dense(
        cls,
        dense: nn.Module,
        *,
        via: str,
        label: str = "",
        batch: int = BATCH,
        backward: bool = True,
    ) -> FabricConv2d:
        """A layer that starts from a trained `nn.Conv2d`, as `FabricLinear.from_dense` does.

        Raises:
            NfcError: the topology is wrong, or does not take the channels.
            TypeError, ValueError: `dense` is no `nn.Conv2d`, has groups or dilation, or its weights are
                not finite, or not there.
        """
        if not isinstance(dense, nn.Conv2d):
            raise TypeError(f"expected an nn.Conv2d, found {type(dense).__name__}")
        layer = cls(
            dense.in_channels,
            dense.out_channels,
            pair(dense.kernel_size, "kernel_size", 1),
            pair(dense.stride, "stride", 1),
            _written(dense.padding),
            pair(dense.dilation, "dilation", 1),
            dense.groups,
            padding_mode=dense.padding_mode,
            via=via,
            label=label,
            batch=batch,
            backward=backward,
            **kept(dense),
        )
        layer.start_from(dense)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return self.forward(x[None])[0]
        if any(self._border):
            x = F.pad(x, self._border, mode=PADDING_MODES[self.padding_mode])
        return channel_biased(self.fabric(x), self.bias)

    def extra_repr(self) -> str:
        sizes = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        mode = "" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode!r}"
        return f"{sizes}, padding={self.padding!r}{mode}, bias={self.bias is not None}, via={self.via!r}"


def pair(value: Any, name: str, least: int) -> Pair:
    """A size of height and width, from one number or two.

    Raises:
        TypeError, ValueError: it is neither, or a number is less than `least`.
    """
    given = value if isinstance(value, tuple | list) else (value, value)
    if len(given) != 2 or not all(hasattr(each, "__index__") for each in given):
        raise TypeError(f"expected {name} as a whole number or two, found {value!r}")
    height, width = (index(each) for each in given)
    if min(height, width) < least:
        raise ValueError(f"expected {name} of at least {least}, found {value!r}")
    return height, width


def borders(padding: Any, kernel: Pair, stride: Pair) -> tuple[int, int, int, int]:
    """Places added (left, right, above, below); `same` adds the odd one right and below, as `nn.Conv2d` does.

    Raises:
        TypeError, ValueError: the padding is none, or `same` stands with a stride.
    """
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"padding='same' goes with a stride of 1, found {stride}")
        (above, left), (below, right) = (
            (kernel[0] - 1) // 2, (kernel[1] - 1) // 2), (kernel[0] // 2, kernel[1] // 2
        )  # fmt: skip
        return left, right, above, below
    if isinstance(padding, str):
        raise ValueError(f"expected padding as sizes, 'same' or 'valid', found {padding!r}")
    height, width = pair(padding, "padding", 0)
    return width, width, height, height


def _is_even(border: tuple[int, int, int, int]) -> bool:
    left, right, above, below = border
    return (left, above) == (right, below)


def _written(padding: Any) -> Pair | str:
    return padding if isinstance(padding, str) else pair(padding, "padding", 0)


def _refuse(dilation: Pair, groups: int, padding_mode: str) -> None:
    if groups != 1:
        raise ValueError(
            f"a fabric's convolution has no groups of its own, found {groups}; `via='block(size=…)'` makes groups"
        )
    if dilation != (1, 1):
        raise ValueError(f"a fabric's convolution has a dilation of 1, found {dilation}")
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"expected padding_mode among {', '.join(PADDING_MODES)}, found {padding_mode!r}")
