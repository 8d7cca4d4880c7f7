# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products with blocks in emitted modules: how features are laid out, and gradients that come cheaply.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nfc.backends.torch_helpers_functions import applied, prepared
from nfc.backends.torch_helpers_inputs import few, large, plain, small, traced
from nfc.backends.torch_helpers_layouts import Layout, moved
from nfc.backends.torch_helpers_rows import few_product, row_stages
from nfc.backends.torch_helpers_transposes import contiguous


def last_product(blocks: Tensor, x: Tensor, layout: Layout | None = None) -> Tensor:
    """Features [features, batch], by batched products with x [blocks, inputs, batch].

    They are to be read batch-first from here on, in the layout if one is given.
    """
    if not (traced(x) or small(x)):
        return applied(LastProduct, blocks, x, layout).flatten(0, -2)
    # Compilers lay gradients out themselves, traces show plain operations, and small ones are fastest.
    y, features = torch.bmm(blocks, x).flatten(0, 1), blocks.shape[0] * blocks.shape[1]
    return moved(y, layout, (features,), (x.shape[-1],))


def strided_product(blocks: Tensor, x: Tensor, stage, layout: Layout | None) -> Tensor:
    """I ⊗ W ⊗ I times x [features, batch], for W's blocks [groups · stride, outputs, inputs].

    A stage is (groups, outputs, inputs, stride), and the layout makes strides the fastest digit.
    """
    if few(x, -1, math.prod(stage)):
        return few_product(row_stages(stage), x.t(), blocks).t()
    groups, _, inputs, stride = stage
    # Strided rows are read in place, but no matrix product reads strided rows and columns.
    x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
    return last_product(blocks, x, layout)


def weights_alone(weight: Tensor, stage, x: Tensor) -> Tensor:
    """A stage's weights, in the order of its edges, times one sample x [1, features].

    To put the weights of strided blocks in the order of blocks takes longer than the product; and
    the gradient of an elementwise product is one too, which is faster for large blocks.
    """
    groups, _, inputs, stride = stage
    together = weight.dim() == 3
    if together and not torch.is_grad_enabled():
        return torch.bmm(x.view(groups, 1, inputs), weight.mT).view(1, -1)
    if together and weight.numel() < 2**13:
        return torch.bmm(weight, x.view(groups, inputs, 1)).view(1, -1)
    if weight.dtype != x.dtype:  # matrix products refuse it too, where these would widen a type
        raise RuntimeError(f"expected weights of the input's type {x.dtype}, found {weight.dtype}")
    x = x.view(groups, 1, inputs, stride).transpose(2, 3).contiguous()
    weight = weight.unsqueeze(2) if together else weight
    return (weight * x).sum(-1).view(1, -1)


def spread(weight: Tensor, places: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros with the weights among them: each at its place in the flattened tensor."""
    zeros = weight.new_zeros(math.prod(shape))
    return zeros.index_add_(0, places, weight.flatten()).view(shape)


@prepared
class LastProduct(torch.autograd.Function):
    """See `last_product`.

    A gradient comes back batch-first. It is transposed once here; left as it is, the product would
    copy each of its little matrices.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(blocks: Tensor, x: Tensor, layout: Layout | None) -> Tensor:
        if layout is None:
            return torch.bmm(blocks, x)
        if layout.sizes == blocks.shape[:2] and large(x) and plain(x):
            # Each block is written where it belongs, which saves a pass over the memory.
            y = x.new_empty(layout.ordered + x.shape[-1:])
            torch.bmm(blocks, x, out=layout.back(y, x.shape[-1:]))
            return y
        y = torch.bmm(blocks, x)
        return layout.of(y, y.shape[-1:]).clone(memory_format=torch.contiguous_format)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        blocks, x, ctx.layout = inputs
        ctx.save_for_backward(blocks, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks, x = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        gradient = contiguous(gradient.flatten(0, -2))
        if ctx.layout is not None:
            gradient = ctx.layout.back(gradient, x.shape[-1:])
        gradient = gradient.reshape(*blocks.shape[:2], x.shape[-1])
        of_blocks = torch.bmm(gradient, x.mH) if ctx.needs_input_grad[0] else None
        of_x = torch.bmm(blocks.mH, gradient) if ctx.needs_input_grad[1] else None
        return of_blocks, of_x, None
