"""Operations without weights on the channels of [C, H, W]: pools and shuffles, and what fits them."""

from __future__ import annotations

from math import prod
from typing import cast

from nfc.ir.convolutions import Pair, Pool, Shuffle, swept
from nfc.ir.network import Op, Shape, feature_axis, is_image
from nfc.sema.place import Arguments, Place, ShapeError
from nfc.sema.values import Value, show
from nfc.source import Span


def shuffle(place: Place, arguments: Arguments) -> Op:
    groups = cast(int, arguments["groups"])
    check_groups(place, groups)
    return Shuffle(path=place.path, input=place.shape, output=place.shape, span=place.span, groups=groups)


def check_groups(place: Place, groups: int) -> None:
    count = place.shape[feature_axis(place.shape)]
    if count % groups:
        what = "channels" if is_image(place.shape) else "features"
        message = (
            f"`{place.name}` cuts {count} {what} into {groups} groups of one size, which does not divide"
        )
        below, above = _nearest_divisors(count, groups)
        hints = (f"groups that do: {below} or {above}" if below != above else f"groups that do: {below}",)
        raise ShapeError("NF301", message, place.span, hints=hints).going_on_with(place.shape)


def _nearest_divisors(count: int, number: int) -> tuple[int, int]:
    """The divisors of `count` next below and next above `number`, or the greatest twice."""
    below = next(divisor for divisor in range(min(number, count), 0, -1) if count % divisor == 0)
    above = next((divisor for divisor in range(number, count + 1) if count % divisor == 0), count)
    return below, above


def pool(place: Place, arguments: Arguments) -> Op:
    kind = cast(str, arguments["KIND"])
    require_image(place.shape, place.name, place.span)
    if kind == "global":
        size = place.shape[1], place.shape[2]
        return Pool(
            path=place.path, input=place.shape, output=place.shape[:1], span=place.span,
            pool=kind, kernel=size, stride=size,
        )  # fmt: skip
    kernel = pair(arguments["kernel"])
    stride = kernel if arguments["stride"] is None else pair(arguments["stride"])
    size = swept(place.shape, kernel, stride, (0, 0))
    if min(size) < 1:
        message = (
            f"the kernel of `pool {kind}`, {show(kernel)}, does not fit into its input {show(place.shape)}"
        )
        hints = ("a smaller `kernel=`, or `pool global` for all of it",)
        raise ShapeError("NF301", message, place.span, hints=hints)
    output = (place.shape[0], *size)
    return Pool(
        path=place.path, input=place.shape, output=output, span=place.span,
        pool=kind, kernel=kernel, stride=stride,
    )  # fmt: skip


def require_image(shape: Shape, name: str, span: Span) -> None:
    """Raises ShapeError (NF301) for a shape that has no channels, height and width."""
    if is_image(shape):
        return
    hint = f"`reshape [C, H, W]` before it, of {prod(shape)} numbers, says what lies where"
    message = f"`{name}` reads [C, H, W]: channels, height and width; the shape here is {show(shape)}"
    raise ShapeError("NF301", message, span, hints=(hint,))


def pair(value: Value | None) -> Pair:
    """An integer, for both axes, or a list of two."""
    if isinstance(value, tuple):
        return cast(int, value[0]), cast(int, value[1])
    return cast(int, value), cast(int, value)
