# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""What inputs are, in emitted modules: traced, transformed, plain, few or small.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def few(x: Tensor, axis: int, count: int) -> bool:
    """Whether x has so few samples along an axis that products with blocks of so many numbers had
    better have them as rows. Tangents are carried by operators, not by a function with a gradient.
    """
    if count < 2**14 or traced(x) or not x.is_cpu or x.is_complex():
        return False
    return 0 < x.shape[axis] < 16 and torch.autograd.forward_ad._current_level < 0


def traced(x: Tensor) -> bool:
    """Whether x stands for numbers, as in torch.compile, torch.export, torch.fx and on meta, or
    for others too, as in torch.jit.trace.
    """
    if type(x) not in (Tensor, nn.Parameter) or x.is_meta:
        return True
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def differentiated() -> bool:
    """Whether calls are transformed by torch.func, or tangents go with numbers."""
    forward = torch.autograd.forward_ad._current_level >= 0
    return forward or torch._C._are_functorch_transforms_active()


def transformed() -> bool:
    """Whether calls do more than compute, as in `torch.vmap` or `make_fx`."""
    return bool(torch._C._len_torch_dispatch_stack()) or differentiated()


def small(x: Tensor) -> bool:
    """Whether calling an autograd.Function takes longer than it saves on x."""
    return x.numel() < (2**15 if torch.is_grad_enabled() else 2**13)


def large(x: Tensor) -> bool:
    """Whether passing over x once more takes longer than strided writes of as many numbers."""
    return x.numel() >= 2**19


def plain(x: Tensor) -> bool:
    """Whether operations on x may write into tensors made for them."""
    return not (transformed() or torch.is_autocast_enabled(x.device.type))


def simple(x: Tensor, weight, features: int) -> bool:
    """Whether x is a matrix [batch, features] of few numbers, and all there is to do is compute.

    Both are in float32 on a CPU; a weight that is no parameter of its module is not simple.
    """
    if traced(x) or not (ordinary(x) and ordinary(weight)):
        return False
    if x.dim() != 2 or x.shape[1] != features or not 0 < x.numel() < 2**17 or not weight.numel():
        return False
    return plain(x)


def alone(x: Tensor, weights: int) -> bool:
    """Whether x [batch, features] is one sample, and the weights so few that they are best left as
    they lie.
    """
    return len(x) == 1 and weights <= 2**16


def weight_of(module):
    """The module's parameter `weight`, None if it has none; as an attribute it would take longer."""
    return module._parameters.get("weight")


def ordinary(x) -> bool:
    """Whether x is plain numbers in float32 on a CPU."""
    return type(x) in (Tensor, nn.Parameter) and x.dtype == torch.float32 and x.is_cpu
