"""Operations without weights of a topology: what they do to a shape, and when they cannot.

Each function takes the place of the operation and its arguments, complete and of the right kinds,
and returns the IR's operation. It raises ShapeError where the shape at hand does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import cast

from nfc.ir.network import (
    AUTO_SLOPE,
    Activation,
    Crop,
    Dropout,
    Norm,
    Op,
    Pad,
    Reshape,
    Shape,
)
from nfc.sema.images import check_groups, pool, shuffle
from nfc.sema.place import Arguments, Place, ShapeError
from nfc.sema.sequences import embed, position, transpose
from nfc.sema.values import Value, show


def activation(place: Place, arguments: Arguments) -> Op:
    return Activation(
        path=place.path, input=place.shape, output=place.shape, span=place.span, function=place.name
    )


def leaky_relu(place: Place, arguments: Arguments) -> Op:
    slope = arguments["slope"]
    return Activation(
        path=place.path,
        input=place.shape,
        output=place.shape,
        span=place.span,
        function=place.name,
        slope=AUTO_SLOPE if slope == AUTO_SLOPE else float(cast(float, slope)),
    )


def softmax(place: Place, arguments: Arguments) -> Op:
    axis, axes = cast(int, arguments["axis"]), len(place.shape)
    if not -axes <= axis < axes:
        message = f"`axis={axis}` does not exist: the shape here is {show(place.shape)}"
        hints = (
            f"axes are {-axes}..-1, or 0..<{axes} from the front" if axes > 1 else "the only axis is -1",
        )
        raise ShapeError("NF301", message, place.span, hints=hints).going_on_with(place.shape)
    return Activation(
        path=place.path,
        input=place.shape,
        output=place.shape,
        span=place.span,
        function=place.name,
        axis=axis if axis < 0 else axis - axes,
    )


def norm(place: Place, arguments: Arguments) -> Op:
    kind, groups = cast(str, arguments["KIND"]), cast("int | None", arguments["groups"])
    if groups is not None:
        check_groups(place, groups)
    return Norm(
        path=place.path,
        input=place.shape,
        output=place.shape,
        span=place.span,
        norm=kind,
        groups=groups if kind == "group" else None,
    )


def dropout(place: Place, arguments: Arguments) -> Op:
    return Dropout(
        path=place.path,
        input=place.shape,
        output=place.shape,
        span=place.span,
        probability=float(cast(float, arguments["P"])),
    )


def flatten(place: Place, arguments: Arguments) -> Op:
    return Reshape(path=place.path, input=place.shape, output=(prod(place.shape),), span=place.span)


def reshape(place: Place, arguments: Arguments) -> Op:
    output = as_shape(arguments["SHAPE"])
    if prod(output) != prod(place.shape):
        message = (
            f"{show(place.shape)} cannot be reshaped to {show(output)}: "
            f"{_product(place.shape)} numbers arrive, {_product(output)} are asked for"
        )
        raise ShapeError("NF301", message, place.span).going_on_with(output)
    return Reshape(path=place.path, input=place.shape, output=output, span=place.span)


def pad(place: Place, arguments: Arguments) -> Op:
    size = cast(int, arguments["N"])
    output = (*place.shape[:-1], size)
    if size < place.shape[-1]:
        message = f"`pad {size}` cannot shorten the last axis: it has {place.shape[-1]} already"
        raise ShapeError("NF301", message, place.span, hints=(f"write `crop {size}`",)).going_on_with(output)
    return Pad(path=place.path, input=place.shape, output=output, span=place.span)


def crop(place: Place, arguments: Arguments) -> Op:
    size = cast(int, arguments["N"])
    output = (*place.shape[:-1], size)
    if size > place.shape[-1]:
        message = f"`crop {size}` cannot lengthen the last axis: it has only {place.shape[-1]}"
        raise ShapeError("NF301", message, place.span, hints=(f"write `pad {size}`",)).going_on_with(output)
    return Crop(path=place.path, input=place.shape, output=output, span=place.span)


def ill_matched(name: str, arguments: Arguments) -> str | None:
    """What is wrong between the kind of a norm or of a pool and its other arguments; None where all is well."""
    kind = arguments.get("KIND")
    match name, kind:
        case "norm", "group" if arguments.get("groups") is None:
            return "`norm group` needs to know how many groups: `norm group groups=8`"
        case "norm", "batch" | "layer" | "rms" if arguments.get("groups") is not None:
            return f"`norm {kind}` has no groups; `groups=` goes with `norm group`"
        case "pool", "global" if arguments.get("kernel") or arguments.get("stride"):
            return "`pool global` has no windows; `kernel=` and `stride=` go with `pool max` and `pool avg`"
        case "pool", "max" | "avg" if arguments.get("kernel") is None:
            return f"`pool {kind}` needs the size of its windows: `pool {kind} kernel=2`"
        case _:
            return None


def as_shape(value: Value | None) -> Shape:
    """An integer or a list of integers as a shape."""
    return value if isinstance(value, tuple) else (value,)  # type: ignore[return-value]


def _product(shape: Shape) -> str:
    return f"{'·'.join(map(str, shape))} = {prod(shape)}" if len(shape) > 1 else str(shape[0])


LAYERS: dict[str, Callable[[Place, Arguments], Op]] = {
    **dict.fromkeys(("relu", "gelu", "silu", "tanh", "sigmoid"), activation),
    "leaky_relu": leaky_relu,
    "softmax": softmax,
    "log_softmax": softmax,
    "norm": norm,
    "pool": pool,
    "shuffle": shuffle,
    "dropout": dropout,
    "flatten": flatten,
    "reshape": reshape,
    "transpose": transpose,
    "embed": embed,
    "position": position,
    "pad": pad,
    "crop": crop,
}
