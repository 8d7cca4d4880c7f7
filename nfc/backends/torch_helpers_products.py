# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products with blocks in emitted modules: how features are laid out, and gradients that come cheaply.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import inspect
import math

import torch
from torch import Tensor, nn


class Layout:
    """Another order of features: they are cut into axes of some sizes, which then take a new order.

    Axes that follow those of the features, the `tail`, stay where they are.
    """

    def __init__(self, sizes: tuple[int, ...], order: tuple[int, ...]):
        self.sizes = sizes
        self.order = order
        self.ordered = tuple(sizes[axis] for axis in order)
        self.inverse = tuple(sorted(range(len(order)), key=order.__getitem__))

    def of(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout, [*ordered, *tail]."""
        kept = range(len(self.order), len(self.order) + len(tail))
        return x.reshape(self.sizes + tail).permute(*self.order, *kept)

    def back(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout as it was before, [*sizes, *tail]."""
        kept = range(len(self.order), len(self.order) + len(tail))
        return x.reshape(self.ordered + tail).permute(*self.inverse, *kept)


def moved(
    x: Tensor,
    layout: Layout | None,
    shape: tuple[int, ...],
    tail: tuple[int, ...],
) -> Tensor:
    """A tensor [*features, *tail] as [*shape, *tail], in another layout if one is given."""
    return (x if layout is None else layout.of(x, tail)).reshape(shape + tail)


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
    groups, _, inputs, stride = stage
    # Strided rows are read in place, but no matrix product reads strided rows and columns.
    x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
    return last_product(blocks, x, layout)


def spread(weight: Tensor, places: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros with the weights among them: each at its place in the flattened tensor."""
    zeros = weight.new_zeros(math.prod(shape))
    return zeros.index_add_(0, places, weight.flatten()).view(shape)


def applied(function, *arguments):
    """`function.apply`, or its forward where no gradient is wanted: `apply` outlasts small products."""
    if torch.is_grad_enabled():
        return function.apply(*arguments)
    try:
        for argument in arguments:
            if isinstance(argument, Tensor):
                argument.data_ptr()
    except RuntimeError:  # torch.vmap maps over it, so that it has no memory of its own
        return function.apply(*arguments)
    return function.forward(*arguments)


def with_signature(function):
    """Lets an autograd.Function's `forward` take any arguments: `apply` checks them, and is slow."""
    arguments = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
    function.forward.__signature__ = inspect.Signature([arguments])
    return function


@with_signature
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
        of_blocks = torch.bmm(gradient, x.mT) if ctx.needs_input_grad[0] else None
        of_x = torch.bmm(blocks.mT, gradient) if ctx.needs_input_grad[1] else None
        return of_blocks, of_x, None


def traced(x: Tensor) -> bool:
    """Whether x stands for numbers, as in torch.compile, torch.export, torch.fx and on meta."""
    plain = type(x) in (Tensor, nn.Parameter)
    return torch.compiler.is_compiling() or not plain or x.is_meta


def transformed() -> bool:
    """Whether calls do more than compute, as in `torch.vmap` or a trace."""
    active = torch._C._are_functorch_transforms_active() or torch._C._len_torch_dispatch_stack()
    return bool(active) or torch.jit.is_tracing()


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a large matrix on a CPU, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    return x.contiguous() if small(x) or not x.t().is_contiguous() else applied(Transpose, x)


def small(x: Tensor) -> bool:
    """Whether calling an autograd.Function takes longer than it saves on x."""
    return x.numel() < (2**15 if torch.is_grad_enabled() else 2**13)


def large(x: Tensor) -> bool:
    """Whether passing over x once more takes longer than strided writes of as many numbers."""
    return x.numel() >= 2**19


def plain(x: Tensor) -> bool:
    """Whether operations on x may write into tensors made for them."""
    return not (transformed() or torch.is_autocast_enabled(x.device.type))


@with_signature
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous: a shuffle of channels, for which PyTorch has better loops."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        rows, columns = x.shape
        channels = x.t().reshape(1, 1, 1, -1).permute(0, 3, 1, 2)
        return torch.native_channel_shuffle(channels, columns).view(rows, columns)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]
