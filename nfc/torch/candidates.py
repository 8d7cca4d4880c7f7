"""The linear layers and convolutions of a model, and what keeps some of them from being replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

CLASSES = (nn.Linear, nn.Conv2d)

SIZES = {
    "Linear": ("in_features", "out_features"),
    "Conv2d": ("in_channels", "out_channels"),
    "Conv1D": ("nx", "nf"),
}
"""The attributes of each kind that hold its sizes."""

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A linear layer or a convolution of a model.

    Attributes:
        names: its paths in the model, more than one where it is used again.
        kind: `Linear`, `Conv1D` or `Conv2d`.
        in_features, out_features: those of a convolution are its channels.
        kernel: a convolution's sizes, else none.
        obstacle: why it cannot be replaced; None where it can.
    """

    names: tuple[str, ...]
    module: nn.Module
    kind: str
    in_features: int
    out_features: int
    kernel: tuple[int, ...]
    obstacle: str | None

    @property
    def weights(self) -> int:
        groups = self.module.groups if isinstance(self.module, nn.Conv2d) else 1
        return self.in_features * self.out_features * prod(self.kernel) // groups


def candidates(model: nn.Module) -> list[Candidate]:
    """Every linear layer and convolution once, in the model's order."""
    names: dict[nn.Module, list[str]] = defaultdict(list)
    for name, module in model.named_modules(remove_duplicate=False):
        if kind_of(module) is not None:
            names[module].append(name)
    holders = _holders(model)
    return [_candidate(model, module, tuple(paths), holders) for module, paths in names.items()]


def kind_of(module: nn.Module) -> str | None:
    """`Linear`, `Conv2d`, `Conv1D` (transformers' own, whose weight is [in, out]) or None for any other module."""
    if isinstance(module, nn.Linear):
        return "Linear"
    if isinstance(module, nn.Conv2d):
        return "Conv2d"
    own = type(module)
    if own.__name__ == "Conv1D" and own.__module__.partition(".")[0] == "transformers":
        return "Conv1D"
    return None


def sizes_of(module: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a layer that has a kind; a convolution's are its channels."""
    kind = kind_of(module)
    assert kind is not None
    cols, rows = (int(getattr(module, each)) for each in SIZES[kind])
    return cols, rows


def parent_of(model: nn.Module, name: str) -> nn.Module:
    parent: nn.Module = model.get_submodule(name.rpartition(".")[0])
    return parent


def _candidate(
    model: nn.Module, module: nn.Module, names: tuple[str, ...], holders: Mapping[Tensor, list[str]]
) -> Candidate:
    kind = kind_of(module)
    assert kind is not None
    cols, rows = sizes_of(module)
    kernel = tuple(module.kernel_size) if isinstance(module, nn.Conv2d) else ()
    obstacle = _own_obstacle(module) or _tie(module, names, holders) or _owner(model, names)
    return Candidate(names, module, kind, cols, rows, kernel, obstacle)


def _own_obstacle(module: nn.Module) -> str | None:
    """What is special about the layer itself."""
    if isinstance(module, nn.modules.lazy.LazyModuleMixin):
        return "its sizes are not known yet"
    for cls in CLASSES:
        if isinstance(module, cls) and type(module).forward is not cls.forward:
            return f"{type(module).__name__} computes something else than nn.{cls.__name__}"
    if isinstance(module, nn.Conv2d) and module.groups != 1:
        return f"it has {module.groups} groups"
    if isinstance(module, nn.Conv2d) and tuple(module.dilation) != (1, 1):
        return f"its kernel is dilated by {tuple(module.dilation)}"
    if nn.utils.parametrize.is_parametrized(module):
        return "its weight is parametrized"
    if any(getattr(module, hooks, None) for hooks in HOOKS):
        return "it has hooks"
    weight = module._parameters.get("weight")
    if weight is None:
        return "its weight is no parameter"
    if not weight.is_floating_point():
        return f"its weight is {str(weight.dtype).removeprefix('torch.')}"
    return None


def _tie(module: nn.Module, names: tuple[str, ...], holders: Mapping[Tensor, list[str]]) -> str | None:
    """Another place whose parameter the weight is too."""
    own = {f"{name}.weight" for name in names} | {"weight" for name in names if not name}
    others = [holder for holder in holders.get(module.weight, ()) if holder not in own]
    return f"its weight is also {others[0]}" if others else None


def _owner(model: nn.Module, names: tuple[str, ...]) -> str | None:
    """A module around that does not let its layer go."""
    for name in filter(None, names):
        if isinstance(parent_of(model, name), nn.MultiheadAttention):
            return "nn.MultiheadAttention reads its weight without calling it"
        owner = next((each for each in _around(model, name) if hasattr(each, "topology_digest")), None)
        if owner is not None:
            return f"it is a part of {type(owner).__name__}, whose topology is fixed"
    return None


def _around(model: nn.Module, name: str) -> Iterator[nn.Module]:
    """The modules that hold the one of this path, from the model inwards."""
    parts = name.split(".")
    return (model.get_submodule(".".join(parts[:count])) for count in range(len(parts)))


def _holders(model: nn.Module) -> dict[Tensor, list[str]]:
    """The paths of every parameter."""
    found: dict[Tensor, list[str]] = defaultdict(list)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        found[parameter].append(name)
    return found


def scale_of(module: nn.Module, out_features: int) -> float:
    """The mean second moment of the layer's outputs, without bias, for white inputs; 1 on the meta device.

    Raises:
        ValueError: it is not finite.
    """
    weight: Tensor = module.weight
    if weight.is_meta:
        return 1.0
    total = float(torch.linalg.vector_norm(weight.detach(), dtype=torch.float64))
    scale = total**2 / out_features
    if scale != scale or scale == float("inf"):
        raise ValueError("its weights are not finite, so that their scale cannot be kept")
    return scale
