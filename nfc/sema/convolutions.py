"""Convolutions: what they make of [C, H, W], and the fabrics of their channels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from nfc.ir.convolutions import Conv, Depthwise, Pair, swept
from nfc.ir.fabric import Fabric, factors, reads_input
from nfc.ir.network import Shape
from nfc.ir.structure import kron
from nfc.sema.frame import Frame, Result
from nfc.sema.images import pair, require_image
from nfc.sema.place import ShapeError
from nfc.sema.slots import SlotValues
from nfc.sema.tree import one_line
from nfc.sema.values import show
from nfc.syntax import ast

if TYPE_CHECKING:
    from nfc.sema.elaboration import Elaboration

Windows = dict[str, Pair]
"""`kernel`, `stride` and `padding` of a convolution."""


def conv(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    rows = found.values.get("C")
    if shape is None or not isinstance(rows, int):
        return None, None
    return _convolution(run, node, path, frame, shape, rows, found)


def depthwise(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    return (None, None) if shape is None else _convolution(run, node, path, frame, shape, None, found)


def _convolution(
    run: Elaboration,
    node: ast.Operation,
    path: str,
    frame: Frame,
    shape: Shape,
    rows: int | None,
    found: SlotValues,
) -> Result:
    """A convolution to `rows` channels; to as many as arrive, each by itself, where that is None."""
    try:
        require_image(shape, node.name, node.span)
        windows = _windows(found)
        size = None if windows is None else _size(shape, windows, node)
    except ShapeError as error:
        run.report(error.diagnostic)
        return None, None
    channels = rows or shape[0]
    output = None if size is None else (channels, *size)
    if output is not None:
        run.shared.budget.check_shape(output, node.span)
    diagonal: tuple[Fabric, int | None] = kron(shape[0], 1, 1, 1), None
    built = diagonal if rows is None else run.fabric(node, path, frame, rows, shape[0])
    if built is None or windows is None or output is None or not found.sound:
        return None, output
    fabric, fitted = built
    area = prod(windows["kernel"])
    reading = zip(factors(fabric), reads_input(fabric), strict=True)
    run.count_weights(sum(factor.edges * (area if reads else 1) for factor, reads in reading), node)
    kind = Depthwise if rows is None else Conv
    topology = "diagonal" if rows is None else "dense"
    layer = kind(
        path=path,
        input=shape,
        output=output,
        span=node.span,
        fabric=fabric,
        bias=cast(bool, found.values["bias"]),
        scheme=cast("str | None", found.values["init"]) or frame.scheme,
        topology=topology if node.via is None else one_line(node.via.span.text),
        fitted=fitted,
        kernel=windows["kernel"],
        stride=windows["stride"],
        padding=windows["padding"],
    )
    return layer, output


def _windows(found: SlotValues) -> Windows | None:
    """The sizes of the windows; None where an argument is wrong."""
    if not {"kernel", "stride", "padding"} <= found.values.keys():
        return None
    kernel = pair(found.values["kernel"])
    padding = found.values["padding"]
    automatic = kernel[0] // 2, kernel[1] // 2
    return {
        "kernel": kernel,
        "stride": pair(found.values["stride"]),
        "padding": automatic if padding == "auto" else pair(padding),
    }


def _size(shape: Shape, windows: Windows, node: ast.Operation) -> Pair:
    """The output's height and width."""
    size = swept(shape, **windows)
    if min(size) < 1:
        padded = [size + 2 * padding for size, padding in zip(shape[1:], windows["padding"], strict=True)]
        message = (
            f"the kernel of `{node.name}`, {show(windows['kernel'])}, does not fit into its input, "
            f"which is {show(tuple(padded))} with its padding"
        )
        raise ShapeError("NF301", message, node.span, hints=("a smaller `kernel=`, or more `padding=`",))
    return size


def projection_stride(before: Shape, after: Shape) -> Pair | None:
    """The least stride of a 1 × 1 convolution that takes [C, H, W] to this height and width; None for none."""
    strides = [_stride(*sizes) for sizes in zip(before[1:], after[1:], strict=True)]
    return None if None in strides else (cast(int, strides[0]), cast(int, strides[1]))


def _stride(before: int, after: int) -> int | None:
    """The least s for which ⌈before / s⌉ = after."""
    stride = -(-before // after)
    return stride if -(-before // stride) == after else None
