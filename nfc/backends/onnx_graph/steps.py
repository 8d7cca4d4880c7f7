"""A plan as the steps of the layout pass, with what each costs in each layout."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from nfc.backends.onnx_graph.layout import (
    EITHER,
    FEATURES,
    FEATURES_ALONE,
    ROWS,
    ROWS_ALONE,
    Costs,
    Join,
    Layouts,
    Leaf,
    Step,
    choose,
)
from nfc.ir.fabric import part_place
from nfc.ir.network import (
    Activation,
    Block,
    Concat,
    Crop,
    Dropout,
    Inline,
    Norm,
    Op,
    Pad,
    Repeat,
    Residual,
    Sum,
    is_image,
)
from nfc.ir.sequences import Attention
from nfc.lowering.kernels import output_features, shape_of
from nfc.lowering.plan import (
    Add,
    Blocked,
    Chain,
    Convolution,
    CropFeatures,
    Dense,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Plan,
    Product,
    Scattered,
    Sparse,
)

FEW_ROWS = 4
"""Rows up to which structured products run batch-first, as grouped convolutions: 2 times faster at 1, even at 4.

Gathers do for a single row alone: 2 times faster at 1, slower at 4.
"""

MATRIX = 0.24
"""Tenths of a nanosecond of a multiplication and an addition in a product with a whole matrix, batch-first."""

TURNED = {(ROWS, ROWS): 1.0, (FEATURES, ROWS): 1.2, (ROWS, FEATURES): 1.2, (FEATURES, FEATURES): 1.25}
"""What such a product takes longer when it reads or writes feature-first: the matrix is then not packed at load."""

SOFTMAX = ("softmax", "log_softmax")


def layouts(plan: Plan, batch: int) -> Layouts:
    """The layouts of a plan's operations, by their paths, and of its kernels, by `kernel_key`; for `batch` samples."""
    return choose(tuple(_block(plan.body, batch)))


def kernel_key(path: str, place: str) -> str:
    """The key of the kernel at `place` (`0.1`; empty for the root) in the product at `path`."""
    return f"{path}/{place}"


def _block(block: Block, batch: int) -> Iterator[Step]:
    for op in block:
        yield from _operation(op, batch)


def _operation(op: Op, batch: int) -> Iterator[Step]:
    """The steps of an operation; operations that only hold others are those others' steps."""
    inputs, outputs = batch * prod(op.input), batch * prod(op.output)
    match op:
        case Convolution():
            yield Leaf(op.path, ROWS_ALONE, inputs, outputs)
        case Product():
            yield from _product(op, batch)
        case Repeat(copies=blocks):
            for block in blocks:
                yield from _block(block, batch)
        case Inline(body=body):
            yield from _block(body, batch)
        case Residual(body=body, project=project):
            shortcut = tuple(_operation(project, batch)) if project else ()
            yield Join(op.path, (shortcut, tuple(_block(body, batch))), inputs, outputs)
        case Sum(branches=branches) | Concat(branches=branches):
            held = tuple(tuple(_block(branch, batch)) for branch in branches)
            yield Join(op.path, held, inputs, outputs)
        case Attention():
            layers = tuple(tuple(_operation(layer, batch)) for layer in (op.q, op.k, op.v))
            yield Join(op.path, layers, inputs, outputs)
            yield Leaf(f"{op.path}/shares", ROWS_ALONE, outputs, outputs)
            yield from _operation(op.o, batch)
        case _:
            yield Leaf(op.path, _costs(op), inputs, outputs)


def _costs(op: Op) -> Costs:
    """Softmaxes and the norms that take means over features turn a feature-first value round and back inside."""
    match op:
        case Activation(function=function):
            return ROWS_ALONE if function in SOFTMAX else EITHER
        case Norm(norm=norm, input=shape):
            return EITHER if norm == "batch" and not is_image(shape) else ROWS_ALONE
        case Pad() | Crop() | Dropout():
            return EITHER
        case _:
            return ROWS_ALONE


def _product(op: Product, batch: int) -> Iterator[Step]:
    rows = batch * prod(op.input[:-1])
    yield from _kernel(op.kernel, op.path, "", op.input[-1], rows)


def _kernel(kernel: Kernel, path: str, place: str, features: int, rows: int) -> Iterator[Step]:
    outputs = output_features(kernel, features)
    key = kernel_key(path, place)
    match kernel:
        case Chain(parts=parts):
            for index, part in enumerate(parts):
                yield from _kernel(part, path, part_place(place, index), features, rows)
                features = output_features(part, features)
        case Add(parts=parts):
            branches = tuple(
                tuple(_kernel(part, path, part_place(place, index), features, rows))
                for index, part in enumerate(parts)
            )
            yield Join(key, branches, rows * features, rows * outputs)
        case _:
            yield Leaf(key, _kernel_costs(kernel, rows), rows * features, rows * outputs)


def _kernel_costs(kernel: Kernel, rows: int) -> Costs:
    match kernel:
        case Dense(rows=outputs, cols=inputs):
            return _matrix(rows, outputs, inputs)
        case Blocked(a=1, b=outputs, c=inputs, d=1) | Fused(a=1, b=outputs, c=inputs, d=1):
            return _matrix(rows, outputs, inputs)
        case Scattered(kernel=inner):
            return _matrix(rows, *shape_of(inner))
        case PadFeatures() | CropFeatures():
            return EITHER
        case Neighbours() | Sparse():
            return ROWS_ALONE if rows == 1 else FEATURES_ALONE
        case _:
            return ROWS_ALONE if rows <= FEW_ROWS else FEATURES_ALONE


def _matrix(rows: int, outputs: int, inputs: int) -> Costs:
    cost = rows * outputs * inputs * MATRIX
    return {pair: round(cost * factor) for pair, factor in TURNED.items()}
