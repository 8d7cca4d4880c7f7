"""Operations on sequences [T, D]: what they do to a shape, and when they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nfc.diagnostics import Label
from nfc.ir.network import Linear, Op, Shape
from nfc.ir.sequences import FABRICS, Attention, Embed, Position, Transpose
from nfc.sema.errors import SemanticError
from nfc.sema.frame import Frame, Result
from nfc.sema.place import Arguments, Place, ShapeError
from nfc.sema.slots import SlotValues
from nfc.sema.values import show
from nfc.syntax import ast

if TYPE_CHECKING:
    from nfc.sema.elaboration import Elaboration


def embed(place: Place, arguments: Arguments) -> Op:
    size, features = cast(int, arguments["VOCAB"]), cast(int, arguments["DIM"])
    if len(place.shape) != 1:
        message = f"`embed` reads token ids [T], one axis of them; {show(place.shape)} arrives here"
        hints = ("token ids lie on one axis, as in `input 64` for 64 tokens",)
        raise ShapeError("NF304", message, place.span, hints=hints).going_on_with(None)
    return Embed(
        path=place.path,
        input=place.shape,
        output=(*place.shape, features),
        span=place.span,
        vocabulary=size,
    )


def position(place: Place, arguments: Arguments) -> Op:
    features = cast(int, arguments["DIM"])
    _require_sequence(place)
    if features != place.shape[-1]:
        message = (
            f"`position {features}` adds {features} numbers at each position; "
            f"{show(place.shape)} holds {place.shape[-1]} there"
        )
        hints = (f"write `position {place.shape[-1]}`",)
        raise ShapeError("NF301", message, place.span, hints=hints).going_on_with(place.shape)
    return Position(path=place.path, input=place.shape, output=place.shape, span=place.span)


def transpose(place: Place, arguments: Arguments) -> Op:
    if len(place.shape) < 2:
        message = f"`transpose` swaps the last two axes; {show(place.shape)} has one alone"
        hints = ("`reshape [T, D]` gives a vector two axes",)
        raise ShapeError("NF304", message, place.span, hints=hints).going_on_with(place.shape)
    *leading, rows, cols = place.shape
    return Transpose(path=place.path, input=place.shape, output=(*leading, cols, rows), span=place.span)


def attention(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    """Multi-head self-attention; its four layers are wired by the topology behind `via`."""
    heads = found.values.get("HEADS")
    if shape is None or not isinstance(heads, int):
        return None, shape
    try:
        _require_sequence(Place(path, shape, node.name, node.span))
        _require_heads(node, shape, heads)
    except ShapeError as error:
        run.report(error.diagnostic)
        return None, error.output
    layers: dict[str, Linear] = {}
    for label in FABRICS:
        layer = run.linear_layer(node, f"{path}.{label}", frame, shape, shape[-1], found)
        if layer is None:
            return None, shape
        layers[label] = layer
    causal = found.values["causal"] is True
    return Attention(
        path=path, input=shape, output=shape, span=node.span, heads=heads, causal=causal, **layers
    ), shape


def misplaced_tokens(what: str, node: ast.Operation, first: ast.Operation) -> SemanticError:
    """The error of token ids that are asked for behind the operation `first`; `what` asks for them."""
    message = f"{what} reads token ids, so it is the first operation; behind another one there are numbers"
    label = Label(first.name_span, "the first operation")
    hints = ("the ids are the network's input: `input T`, then `embed VOCAB DIM`",)
    return SemanticError("NF304", message, node.name_span, labels=(label,), hints=hints)


def _require_sequence(place: Place) -> None:
    if len(place.shape) == 2:
        return
    message = f"`{place.name}` works on a sequence [T, D]; {show(place.shape)} arrives here"
    hints = ("`embed` makes one of token ids, `reshape [T, D]` of other values",)
    raise ShapeError("NF304", message, place.span, hints=hints).going_on_with(place.shape)


def _require_heads(node: ast.Operation, shape: Shape, heads: int) -> None:
    features = shape[-1]
    if features % heads == 0:
        return
    fewer = next(count for count in range(min(heads, features), 0, -1) if features % count == 0)
    more = next(count for count in range(min(heads, features), features + 1) if features % count == 0)
    named = " or ".join(f"`attention {count}`" for count in dict.fromkeys((fewer, more)))
    message = f"`attention {heads}` cuts the features into equal heads; {heads} does not divide {features}"
    raise ShapeError("NF301", message, node.span, hints=(f"write {named}",)).going_on_with(shape)
