"""Operations that hold blocks or layers, and networks used as operations.

Each function takes the elaboration at hand, the statement, its path, its surroundings, the shape
that arrives and its arguments, and returns the operation with the shape behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nfc.diagnostics import Label
from nfc.ir.convolutions import Conv
from nfc.ir.network import (
    Block,
    Concat,
    Inline,
    Linear,
    Repeat,
    Residual,
    Shape,
    Sum,
    WeightedLayer,
    feature_axis,
    is_image,
)
from nfc.ir.sequences import vocabulary
from nfc.sema.convolutions import projection_stride
from nfc.sema.frame import Frame, Result
from nfc.sema.scope import Entry, network_of
from nfc.sema.sequences import attention, misplaced_tokens
from nfc.sema.slots import SlotValues
from nfc.sema.values import show
from nfc.syntax import ast

if TYPE_CHECKING:
    from nfc.sema.elaboration import Elaboration


def repeat(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    count = found.values.get("N")
    total = count if isinstance(count, int) else 1
    copies: list[Block] = []
    arrived = shape
    failed_before, run.failed = run.failed, False
    for number in range(total):
        with run.in_copy(node, number, total):
            before = shape
            body, shape = _body(run, node, frame.inside(f"{path}.{number}"), shape)
        if run.failed:
            return None, shape if shape == before else None
        copies.append(body)
        if shape is None:
            break
    run.failed = failed_before
    if arrived is None or shape is None:
        return None, shape
    return Repeat(path=path, input=arrived, output=shape, span=node.span, copies=tuple(copies)), shape


def residual(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    body, output = _body(run, node, frame.inside(path), shape)
    if shape is None or output is None or not found.sound:
        return None, output
    project = found.values["project"] is True
    if output != shape and not (project and _is_projected(shape, output)):
        hints = ["write `residual project=true { … }` to map the input to it"]
        message = f"`residual` adds its input {show(shape)} to what its block makes of it, {show(output)}"
        run.wrong("NF303", message, node.name_span, *(hints if _is_projected(shape, output) else ()))
        return None, output
    projection = _projection(run, node, path, frame, shape, output) if project else None
    op = Residual(path=path, input=shape, output=output, span=node.span, body=body, project=projection)
    return op, output


def _is_projected(shape: Shape, output: Shape) -> bool:
    """Whether a shortcut leads from one shape to the other: of the last axis, or 1 × 1 with a stride."""
    if is_image(shape) and is_image(output):
        return projection_stride(shape, output) is not None
    return shape[:-1] == output[:-1]


def _projection(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape, output: Shape
) -> WeightedLayer:
    """The shortcut W x without a bias, as in He et al., "Deep residual learning", CVPR 2016, eq. 2."""
    if is_image(shape):
        stride = projection_stride(shape, output)
        assert stride is not None
        return Conv(
            path=f"{path}.project",
            input=shape,
            output=output,
            span=node.span,
            fabric=run.wire_dense(node, output[0], shape[0]),
            bias=False,
            scheme=frame.scheme,
            topology="dense",
            kernel=(1, 1),
            stride=stride,
            padding=(0, 0),
        )
    fabric = run.wire_dense(node, output[-1], shape[-1])
    return Linear(
        path=f"{path}.project",
        input=shape,
        output=output,
        span=node.span,
        fabric=fabric,
        bias=False,
        scheme=frame.scheme,
        topology="dense",
    )


def sum_(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    branches, outputs = _branches(run, node, path, frame, shape)
    known = [(index, output) for index, output in enumerate(outputs) if output is not None]
    for index, output in known[1:]:
        if output != known[0][1]:
            _disagree(run, node, known[0], (index, output), "`sum` adds its branches")
    if shape is None or not known or len(known) < len(outputs):
        return None, known[0][1] if known else None
    output = known[0][1]
    return Sum(path=path, input=shape, output=output, span=node.span, branches=branches), output


def concat(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
) -> Result:
    branches, outputs = _branches(run, node, path, frame, shape)
    known = [(index, output) for index, output in enumerate(outputs) if output is not None]
    agreed = True
    for index, output in known[1:]:
        if _but_features(output) != _but_features(known[0][1]):
            agreed = False
            axis = "the channels" if is_image(known[0][1]) else "the last axis"
            _disagree(run, node, known[0], (index, output), f"`concat` joins its branches on {axis}")
    if shape is None or not known or len(known) < len(outputs) or not agreed:
        return None, None
    features = feature_axis(known[0][1])
    joined = list(known[0][1])
    joined[features] = sum(output[features] for _, output in known)
    output = tuple(joined)
    return Concat(path=path, input=shape, output=output, span=node.span, branches=branches), output


def _but_features(shape: Shape) -> Shape:
    """A shape without the axis that `concat` joins; of other lengths, all that cannot agree."""
    axis = feature_axis(shape)
    return (*shape[:axis], *shape[axis + 1 :])


def _disagree(
    run: Elaboration, node: ast.Operation, first: tuple[int, Shape], other: tuple[int, Shape], why: str
) -> None:
    message = f"{why}: the first gives {show(first[1])}, this one {show(other[1])}"
    span, first_span = node.blocks[other[0]].span, node.blocks[first[0]].span
    run.wrong("NF303", message, span, labels=(Label(first_span, f"gives {show(first[1])}"),))


def _branches(
    run: Elaboration, node: ast.Operation, path: str, frame: Frame, shape: Shape | None
) -> tuple[tuple[Block, ...], list[Shape | None]]:
    done = [
        run.block(block, frame.inside(f"{path}.{number}"), shape) for number, block in enumerate(node.blocks)
    ]
    return tuple(body for body, _ in done), [output for _, output in done]


def _body(
    run: Elaboration, node: ast.Operation, frame: Frame, shape: Shape | None
) -> tuple[Block, Shape | None]:
    return run.block(node.blocks[0], frame, shape) if node.blocks else ((), None)


def inline(
    run: Elaboration, node: ast.Operation, other: Entry, path: str, frame: Frame, shape: Shape | None
) -> Result:
    network = run.shared.network(other)
    if network is None or shape is None:
        run.failed = True
        return None, None if network is None else network.output
    if network.input != shape:
        message = f"the network `{other.name}` takes {show(network.input)}; {show(shape)} arrives here"
        run.wrong("NF303", message, node.name_span, labels=(Label(other.name_span, "defined here"),))
        return None, network.output
    if run.first is not None and vocabulary(network.body) is not None:
        run.report(misplaced_tokens(f"the network `{other.name}`", node, run.first).diagnostic)
        return None, network.output
    definition = network_of(other)
    scheme = run.shared.statements.schemes.get(id(definition.body), frame.scheme)
    body, output = run.block(definition.body, Frame(other.scope, f"{path}.", scheme), shape)
    if output is None:
        return None, None
    op = Inline(path=path, input=shape, output=output, span=node.span, network=other.name, body=body)
    return op, output


Composite = Callable[["Elaboration", ast.Operation, str, Frame, Shape | None, SlotValues], Result]

COMPOSITES: dict[str, Composite] = {
    "repeat": repeat,
    "residual": residual,
    "sum": sum_,
    "concat": concat,
    "attention": attention,
}
