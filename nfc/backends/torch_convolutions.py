"""Convolutions, pools and shuffles as PyTorch expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nfc.backends.torch_writer import Call, Entry, Expression, Items, Named, tuple_of
from nfc.ir.convolutions import Pool, Shuffle
from nfc.ir.network import Norm, is_image
from nfc.lowering.kernels import output_features
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Clustered,
    Convolution,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    Scattered,
    Sparse,
)

ModuleOf = Callable[[Kernel, int, str], Expression]
"""The module of a kernel on the last axis: (kernel, features that it reads, where its tables lie)."""
PartialOf = Callable[[Kernel], Blocked | None]
"""The block kernel of a factor without some edges; None for any other kernel."""


def convolution_module(op: Convolution, key: str, pointwise: ModuleOf, partial_of: PartialOf) -> Expression:
    """The module of a convolution whose tables lie under `key`."""
    module = partial(_module, op, pointwise, partial_of)
    if isinstance(op.kernel, Chain | Add) and partial_of(op.kernel) is None:
        fabric = module(op.kernel, op.inputs, f"{key}.fabric", bias=False)
        return Call("FabricConv2d", (fabric, str(op.outputs), *_bias(op.bias is not None)))
    return module(op.kernel, op.inputs, key, bias=op.bias is not None)


def _module(
    op: Convolution,
    pointwise: ModuleOf,
    partial_of: PartialOf,
    kernel: Kernel,
    features: int,
    key: str,
    *,
    bias: bool,
) -> Expression:
    """The module of a kernel that reads `features` channels of [batch, channels, H, W]."""
    module = partial(_module, op, pointwise, partial_of)
    sizes = {"kernel_size": op.window, "stride": op.stride, "padding": op.padding}
    windows = tuple(Named(name, tuple_of(size)) for name, size in sizes.items())
    rest = (*windows, *_bias(bias))
    blocked = partial_of(kernel)
    if blocked is not None:
        digits = tuple_of((blocked.a, blocked.b, blocked.c, blocked.d))
        widths = (str(features), str(output_features(kernel, features)))
        return Call("PartialBlockConv2d", (*widths, digits, Entry(f"{key}.places"), *rest))
    match kernel:
        case Dense(rows=rows, cols=cols):
            without = () if bias else (Named("bias", "False"),)
            return Call("nn.Conv2d", (str(cols), str(rows), *windows, *without))
        case Blocked(a=a, b=b, c=c, d=1):
            return Call("BlockConv2d", (str(a), str(b), str(c), *rest))
        case Blocked(a=a, b=b, c=c, d=d):
            return Call("StridedBlockConv2d", (str(a), str(b), str(c), str(d), *rest))
        case BlockSets() | Edgewise():
            entries = (Entry(f"{key}.row_sets"), Entry(f"{key}.col_sets"))
            return Call("BlockSetConv2d", (*entries, *rest))
        case Neighbours(shifts=(dims, offsets)):
            return Call("ShiftConv2d", (tuple_of(dims), tuple_of(offsets), *rest))
        case Neighbours(cols=cols):
            return Call("NeighbourConv2d", (str(cols), Entry(f"{key}.table"), *rest))
        case Sparse(cols=cols):
            entries = (Entry(f"{key}.indptr"), Entry(f"{key}.indices"))
            return Call("CsrConv2d", (str(cols), *entries, *rest))
        case Scattered(kernel=inner):
            call = module(inner, features, key, bias=bias)
            assert isinstance(call, Call)
            return replace(call, function=f"Scattered{call.function}")
        case Add(parts=parts):
            each = (module(part, features, f"{key}.{n}", bias=False) for n, part in enumerate(parts))
            return Call("Sum", (Items(tuple(each)),))
        case Chain(parts=parts):
            return _cascade(parts, features, key, partial(module, bias=False), pointwise)
        case Clustered() | _:
            raise TypeError(f"{key}: no convolution stands alone as {type(kernel).__name__}")


def _cascade(
    parts: tuple[Kernel, ...], features: int, key: str, module: ModuleOf, pointwise: ModuleOf
) -> Expression:
    """A convolution and what follows it at each position; stages that are fused are numbered one by one."""
    first, *others = parts
    modules = [module(first, features, f"{key}.0")]
    width, sizes = output_features(first, features), [1]
    for part in others:
        stages = part.parts if isinstance(part, Fused) else (part,)
        sizes.append(len(stages))
        for stage in stages:
            modules.append(pointwise(stage, width, f"{key}.{len(modules)}"))
            width = output_features(stage, width)
    if max(sizes) == 1:
        return Call("ConvCascade", tuple(modules))
    return Call("FusedConvCascade", (*modules, Named("fuse", tuple_of(tuple(sizes)))))


def _bias(bias: bool) -> tuple[Expression, ...]:
    return (Named("bias", "True"),) if bias else ()


def pool(op: Pool) -> Expression:
    """The expression of `x` after a pool."""
    if op.pool == "global":
        return "x.mean((2, 3))"
    windows = (Named("kernel_size", tuple_of(op.kernel)), Named("stride", tuple_of(op.stride)))
    return Call(f"F.{op.pool}_pool2d", ("x", *windows))


def shuffle(op: Shuffle) -> Expression:
    """The expression of `x` after a shuffle: of channels, or of the last axis."""
    axis = 0 if is_image(op.input) else -1
    size = op.input[axis] // op.groups
    if is_image(op.input):
        return f"x.unflatten(1, ({op.groups}, {size})).transpose(1, 2).flatten(1, 2)"
    return f"x.unflatten(-1, ({op.groups}, {size})).transpose(-1, -2).flatten(-2)"


def norm_class(op: Norm) -> str:
    """The class of a norm's module."""
    match op.norm:
        case "batch":
            return "nn.BatchNorm2d" if is_image(op.input) else "nn.BatchNorm1d"
        case "group":
            return "FeatureGroupNorm" if reads_positions(op) else "nn.GroupNorm"
        case "layer":
            return "nn.LayerNorm"
        case _:
            return "FeatureRMSNorm"


def reads_positions(op: Norm) -> bool:
    """Does the norm's module take the features of one position at a time, on the last axis?

    `group` does so on an image of one position too: `nn.GroupNorm` refuses groups of a single number.
    """
    if op.norm == "group":
        return not is_image(op.input) or op.input[1:] == (1, 1)
    return op.norm in ("layer", "rms")
