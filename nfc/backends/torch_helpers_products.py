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
        back = tuple(sorted(range(len(order)), key=order.__getitem__))
        tails = [tuple(range(len(order), len(order) + axes)) for axes in range(3)]
        self.forward, self.backward = ([axes + tail for tail in tails] for axes in (order, back))

    def of(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout, [*ordered, *tail]."""
        return x.reshape(self.sizes + tail).permute(self.forward[len(tail)])

    def back(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout as it was before, [*sizes, *tail]."""
        return x.reshape(self.ordered + tail).permute(self.backward[len(tail)])


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
    if few(blocks, x):
        return applied(RowProduct, blocks, x, layout).t()
    if not (traced(x) or small(x)):
        return applied(LastProduct, blocks, x, layout).flatten(0, -2)
    # Compilers lay gradients out themselves, traces show plain operations, and small ones are fastest.
    y, features = torch.bmm(blocks, x).flatten(0, 1), blocks.shape[0] * blocks.shape[1]
    return moved(y, layout, (features,), (x.shape[-1],))


def inner_product(blocks: Tensor, x: Tensor) -> Tensor:
    """Batched products [blocks, outputs, batch] that another product reads."""
    if few(blocks, x):
        return applied(RowProduct, blocks, x, None).t().unflatten(0, blocks.shape[:2])
    return torch.bmm(blocks, x)


def strided_product(blocks: Tensor, x: Tensor, stage, layout: Layout | None) -> Tensor:
    """I ⊗ W ⊗ I times x [features, batch], for W's blocks [groups · stride, outputs, inputs].

    A stage is (groups, outputs, inputs, stride), and the layout makes strides the fastest digit.
    """
    groups, _, inputs, stride = stage
    # Strided rows are read in place, but no matrix product reads strided rows and columns.
    x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
    return last_product(blocks, x, layout)


def weights_alone(weight: Tensor, stage, x: Tensor) -> Tensor:
    """A stage's weights, in the order of its edges, times one sample x [1, features].

    To put the weights of strided blocks in the order of blocks takes longer than the product.
    """
    groups, _, inputs, stride = stage
    if stride == 1:
        return torch.bmm(weight, x.view(groups, inputs, 1)).view(1, -1)
    x = x.view(groups, 1, inputs, stride).transpose(2, 3).contiguous()
    return (weight * x).sum(-1).view(1, -1)


def spread(weight: Tensor, places: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros with the weights among them: each at its place in the flattened tensor."""
    zeros = weight.new_zeros(math.prod(shape))
    return zeros.index_add_(0, places, weight.flatten()).view(shape)


def applied(function, *arguments):
    """`function.apply`, or what is faster: `apply` outlasts small products."""
    if differentiated():
        return function.apply(*arguments)
    if torch.is_grad_enabled():
        return function.direct.apply(*arguments)
    return function.forward(*arguments)


def direct(function):
    """An autograd.Function in the form that is applied in half the time, but not by torch.func."""

    class Direct(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *arguments):
            output = function.forward(*arguments)
            function.setup_context(ctx, arguments, output)
            return output

        backward = staticmethod(function.backward)

    return Direct


def with_signature(function):
    """Lets an autograd.Function's `forward` take any arguments: `apply` checks them, and is slow.

    It gets its form `direct` too, and says what it cannot do: forward-mode differentiation.
    """
    arguments = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
    function.forward.__signature__ = inspect.Signature([arguments])
    function.direct = direct(function)
    function.jvp = staticmethod(refuse_tangents)
    return function


def refuse_tangents(ctx, *tangents):
    """No product here carries tangents forward."""
    raise RuntimeError("forward mode AD is not supported; reverse mode is: torch.func.vjp, jacrev")


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


@with_signature
class RowProduct(torch.autograd.Function):
    """See `last_product`; this returns [batch, features], and has products of few columns as rows.

    Matrix products have better loops for these, and batch-first features are read in place where
    those of a block lie side by side.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(blocks: Tensor, x: Tensor, layout: Layout | None) -> Tensor:
        y = torch.bmm(rows_of(x), blocks.mT).transpose(0, 1)
        if layout is not None:
            y = y.reshape(len(y), *layout.sizes).permute(0, *(axis + 1 for axis in layout.order))
        y = y.flatten(1)
        return y.clone() if y._is_view() else y  # else no one could change it in place

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        blocks, x, ctx.layout = inputs
        ctx.save_for_backward(blocks, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks, x = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        gradient = gradient.t()
        if ctx.layout is not None:
            gradient = ctx.layout.back(gradient, x.shape[-1:])
        gradient = gradient.reshape(*blocks.shape[:2], x.shape[-1])
        of_blocks = of_x = None
        if ctx.needs_input_grad[0]:
            outer = torch.mul if x.shape[-1] == 1 else torch.bmm
            of_blocks = outer(gradient, x.mT)
        if ctx.needs_input_grad[1]:
            of_x = torch.bmm(rows_of(gradient), blocks).mT
        return of_blocks, of_x, None


def few(blocks: Tensor, x: Tensor) -> bool:
    """Whether x [blocks, inputs, batch] has so few columns that they had better be rows."""
    if traced(x) or not x.is_cpu:
        return False
    return x.shape[-1] < 16 and blocks.numel() >= 2**15


def rows_of(x: Tensor) -> Tensor:
    """The columns of x [blocks, inputs, batch] as rows that matrix products read fast."""
    rows = x.mT
    return rows if rows.stride(-1) == 1 else rows.contiguous()


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


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a large matrix on a CPU, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    least = 2**15 if torch.is_grad_enabled() else 2**14
    if x.numel() < least or not x.t().is_contiguous():
        return x.contiguous()
    return applied(Transpose, x)


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
    """Whether x is a small matrix [batch, features], and all there is to do is compute.

    A weight that is no parameter of its module is not simple.
    """
    if torch.compiler.is_compiling() or not (ordinary(x) and ordinary(weight)):
        return False
    if x.dim() != 2 or x.shape[1] != features or not 0 < x.numel() < 2**17 or not weight.numel():
        return False
    return not (torch.jit.is_tracing() or transformed() or torch.is_autocast_enabled("cpu"))


def weight_of(module):
    """The module's parameter `weight`, None if it has none; as an attribute it would take longer."""
    return module._parameters.get("weight")


def ordinary(x) -> bool:
    """Whether x is plain numbers in float32 on a CPU."""
    return type(x) in (Tensor, nn.Parameter) and x.dtype == torch.float32 and x.is_cpu


def turned(x: Tensor) -> Tensor:
    """The features of x [batch, features] first, contiguous; for plain numbers on a CPU."""
    if x.numel() < 2**14 or not x.is_contiguous():
        return x.t().contiguous()
    return by_channels(x)


def by_channels(x: Tensor) -> Tensor:
    """A contiguous matrix transposed as a shuffle of channels, for which PyTorch has better loops."""
    channels = x.view(1, 1, 1, -1).permute(0, 3, 1, 2)
    return torch.native_channel_shuffle(channels, len(x)).view(x.shape[::-1])


@with_signature
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous; see `by_channels`."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return by_channels(x.t())

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]
