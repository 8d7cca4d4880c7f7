"""A fabric's matrix for code that reads `layer.weight` instead of calling the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

if TYPE_CHECKING:
    from nfc.torch.layer import FabricLinear


class FabricWeight:
    """The matrix of a layer, [out_features, in_features], made only when something needs its entries.

    Size, type and device are at hand. Torch functions take it in the place of a tensor: `linear`
    multiplies by the fabric, any other gets the dense matrix, through which gradients reach the
    edges. As the entries are not the parameters, functions that work in place refuse it.
    """

    def __init__(self, layer: FabricLinear) -> None:
        self._layer = layer

    @property
    def shape(self) -> torch.Size:
        return torch.Size((self._layer.out_features, self._layer.in_features))

    @property
    def dtype(self) -> torch.dtype:
        return self._edges.dtype

    @property
    def device(self) -> torch.device:
        return self._edges.device

    @property
    def requires_grad(self) -> bool:
        return any(weight.requires_grad for weight in self._layer.fabric.parameters())

    @property
    def ndim(self) -> int:
        return 2

    def dim(self) -> int:
        return 2

    def size(self, axis: int | None = None) -> Any:
        return self.shape if axis is None else self.shape[axis]

    def numel(self) -> int:
        return self._layer.out_features * self._layer.in_features

    def dense(self) -> Tensor:
        """The matrix as a tensor, [out_features, in_features], differentiable in the edges."""
        identity = torch.eye(self._layer.in_features, dtype=self.dtype, device=self.device)
        return self._layer.fabric(identity).t()

    @property
    def _edges(self) -> Tensor:
        return next(self._layer.fabric.parameters())

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: tuple[type, ...],
        arguments: tuple[Any, ...] = (),
        keywords: dict[str, Any] | None = None,
    ) -> Any:
        if function is F.linear:
            return _linear(*arguments, **(keywords or {}))
        name = getattr(function, "__name__", "")
        if name.endswith("_") and not name.endswith("__"):
            raise TypeError(f"`{name}` changes a weight in place, but this one is {_MADE_OF_EDGES}")
        return function(*_dense(arguments), **_dense(keywords or {}))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"no attribute `{name}`: this weight is {_MADE_OF_EDGES}; `dense()` makes the matrix"
        )

    def __repr__(self) -> str:
        return f"<weight {list(self.shape)} of {self._layer!r}>"


_MADE_OF_EDGES = "made of a fabric's edges, which are the layer's parameters"


def _linear(input: Tensor, weight: Any, bias: Tensor | None = None) -> Tensor:
    if not isinstance(weight, FabricWeight):
        return F.linear(*_dense((input, weight, bias)))
    y = weight._layer.fabric(input)
    return y if bias is None else y + bias.to(y.dtype)


def _dense(value: Any) -> Any:
    """The value with every fabric's weight in it made dense."""
    match value:
        case FabricWeight():
            return value.dense()
        case tuple() | list():
            return type(value)(map(_dense, value))
        case dict():
            return {key: _dense(item) for key, item in value.items()}
        case _:
            return value
