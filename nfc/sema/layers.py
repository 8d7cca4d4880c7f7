"""Operations without weights of a topology: what they do to a shape, and when they cannot.

Each function takes the place of the operation and its arguments, complete and of the right kinds,
and returns the IR's operation. It raises ShapeError where the shape at hand does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import cast

from nfc.ir.network import AUTO_SLOPE, Activation, Crop, Dropout, Norm, Op, Pad, Reshape, Shape
from nfc.sema.errors import SemanticError
from nfc.sema.values import Value, show
from nfc.source import Span

Arguments = Mapping[str, Value | None]
"""Values by slot name; a word stands for itself."""


@dataclass(frozen=True)
class Place:
    """Where an operation stands: its path, the shape that arrives, and its place in the source."""

    path: str
    shape: Shape
    name: str
    span: Span


class ShapeError(SemanticError):
    """A shape does not fit; `output` is the shape to go on with, None where nothing is known of it."""

    output: Shape | None = None

    def going_on_with(self, output: Shape | None) -> ShapeError:
        self.output = output
        return self


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
    if len(place.shape) == 3:
        message = "`norm` over the channels of a [C, H, W] shape is not supported yet"
        raise ShapeError("NF601", message, place.span).going_on_with(place.shape)
    return Norm(
        path=place.path,
        input=place.shape,
        output=place.shape,
        span=place.span,
        norm=cast(str, arguments["KIND"]),
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


def misplaced_groups(name: str, arguments: Arguments) -> str | None:
    """What is wrong with `groups=` of a norm that has no groups; None where all is well."""
    kind = arguments.get("KIND")
    if name == "norm" and kind != "group" and arguments.get("groups") is not None:
        return f"`norm {kind}` has no groups; `groups=` goes with `norm group`"
    return None


def unsupported_form(name: str, arguments: Arguments) -> tuple[str, str] | None:
    """(what is not supported yet, a hint) for a form of a supported operation; None where all is well."""
    if name == "norm" and arguments["KIND"] == "group":
        return "`norm group`", "`norm batch`, `norm layer` and `norm rms` normalise the last axis"
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
    "dropout": dropout,
    "flatten": flatten,
    "reshape": reshape,
    "pad": pad,
    "crop": crop,
}
