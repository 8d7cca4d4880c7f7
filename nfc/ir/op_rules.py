"""Rules of operations (`nfc.ir.verify`)."""

from __future__ import annotations

import re
from dataclasses import fields
from math import isfinite, prod

import numpy as np

from nfc.ir.convolutions import Conv
from nfc.ir.deviations import PER_COLUMN, ByRow
from nfc.ir.fabric import factors
from nfc.ir.factors import Blocks, Factor, Kron, Restricted
from nfc.ir.network import (
    ACTIVATIONS,
    AUTO_SLOPE,
    DISTRIBUTIONS,
    NORMS,
    SCHEMES,
    Activation,
    Block,
    Concat,
    Crop,
    Draw,
    Dropout,
    Linear,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Shape,
    Sum,
    WeightedLayer,
    feature_axis,
    walk,
)
from nfc.ir.rule import Rule

LABEL = r"[A-Za-z_][A-Za-z0-9_]*"
PATH = re.compile(rf"{LABEL}(\.(\d+\.)?{LABEL})*")


def shape_after(block: Block, input: Shape) -> Shape:
    """The shape that a block gives; an empty one gives its input."""
    return block[-1].output if block else input


def _path_is_labels(op: Op) -> bool:
    return PATH.fullmatch(op.path) is not None


def _has_sizes(shape: Shape) -> bool:
    return len(shape) >= 1 and all(isinstance(size, int) and size >= 1 for size in shape)


def _slope_fits(op: Activation) -> bool:
    if op.function != "leaky_relu":
        return op.slope is None
    return op.slope == AUTO_SLOPE or (op.slope is not None and isfinite(op.slope))


def _axis_fits(op: Activation) -> bool:
    return op.axis in range(-len(op.input), 0) if op.function.endswith("softmax") else op.axis is None


def _same_operations(op: Repeat) -> bool:
    outlines = [
        [(type(inner), inner.path.removeprefix(f"{op.path}.{number}.")) for inner in walk(copy)]
        for number, copy in enumerate(op.copies)
    ]
    return all(outline == outlines[0] for outline in outlines)


def _branches_fill_the_output(op: Concat) -> bool:
    shapes = [shape_after(branch, op.input) for branch in op.branches]
    axis = feature_axis(op.output)
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in (*shapes, op.output)}
    return len(others) == 1 and sum(shape[axis] for shape in shapes) == op.output[axis]


def _groups_fit(op: Norm) -> bool:
    if op.norm != "group":
        return op.groups is None
    return op.groups is not None and op.groups >= 1 and op.input[feature_axis(op.input)] % op.groups == 0


OP_RULES = (
    Rule(Op, "a path is labels joined by points, with the numbers of copies and branches", _path_is_labels),
    Rule(
        Op, "a shape has axes, each of 1 or more", lambda op: _has_sizes(op.input) and _has_sizes(op.output)
    ),
    Rule(
        (Linear, Pad, Crop),
        "the leading axes stay as they are",
        lambda op: op.input[:-1] == op.output[:-1],
    ),
    Rule((Activation, Norm, Dropout), "the shape stays as it is", lambda op: op.input == op.output),
    Rule(WeightedLayer, "the initialisation is one of SCHEMES", lambda op: op.scheme in SCHEMES),
    Rule(Activation, "the function is one of ACTIVATIONS", lambda op: op.function in ACTIVATIONS),
    Rule(
        Activation, "leaky_relu has a finite slope or one to be chosen, and nothing else has one", _slope_fits
    ),
    Rule(Activation, "the softmaxes have a negative axis of the shape, and nothing else has one", _axis_fits),
    Rule(Norm, "the norm is one of NORMS", lambda op: op.norm in NORMS),
    Rule(Norm, "a group norm has groups that divide the features, and no other has any", _groups_fit),
    Rule(Dropout, "the probability is at least 0 and less than 1", lambda op: 0 <= op.probability < 1),
    Rule(Pad, "padding shortens nothing", lambda op: op.output[-1] >= op.input[-1]),
    Rule(Crop, "cropping lengthens nothing", lambda op: op.output[-1] <= op.input[-1]),
    Rule(Reshape, "the number of entries stays as it is", lambda op: prod(op.input) == prod(op.output)),
    Rule(Repeat, "there is a copy", lambda op: len(op.copies) >= 1),
    Rule(Repeat, "copies hold the same operations under the same labels", _same_operations),
    Rule(
        Residual,
        "without a projection the shape stays as it is",
        lambda op: op.project is not None or op.input == op.output,
    ),
    Rule(
        Residual,
        "the projection's label is `project`",
        lambda op: op.project is None or op.project.path == f"{op.path}.project",
    ),
    Rule((Sum, Concat), "there is a branch", lambda op: len(op.branches) >= 1),
    Rule(Concat, "the branches' features add to the output's", _branches_fill_the_output),
)


def _fabric_fits(layer: WeightedLayer) -> bool:
    axis = 0 if isinstance(layer, Conv) else -1
    return (layer.fabric.cols, layer.fabric.rows) == (layer.input[axis], layer.output[axis])


def _one_draw_a_factor(layer: WeightedLayer) -> bool:
    return layer.draws is None or len(layer.draws) == sum(1 for _ in factors(layer.fabric))


def _drawn(layer: WeightedLayer) -> list[tuple[Factor, Draw]]:
    return list(zip(factors(layer.fabric), layer.draws or (), strict=False))


def _std_fits(factor: Factor, draw: Draw) -> bool:
    if isinstance(draw.std, float | int):
        return isfinite(draw.std) and draw.std >= 0.0
    sizes = {
        field.name: factor.cols if field.name in PER_COLUMN else factor.rows for field in fields(draw.std)
    }
    numbers = {name: np.asarray(getattr(draw.std, name)) for name in sizes}
    return all(
        array.shape == (sizes[name],) and bool((np.isfinite(array) & (array >= 0.0)).all())
        for name, array in numbers.items()
    )


def _distribution_fits(factor: Factor, draw: Draw) -> bool:
    if draw.distribution == "orthogonal":
        return isinstance(factor, Kron | Blocks | Restricted) and isinstance(draw.std, float | ByRow)
    return draw.distribution in DISTRIBUTIONS


LAYER_RULES = (
    Rule(
        WeightedLayer, "the fabric maps the input's last axis, or its channels, to the output's", _fabric_fits
    ),
    Rule(WeightedLayer, "there is one draw a factor", _one_draw_a_factor),
    Rule(
        WeightedLayer,
        "a draw's std is a number or numbers of its rows and columns, finite and not negative",
        lambda layer: all(_std_fits(*drawn) for drawn in _drawn(layer)),
    ),
    Rule(
        WeightedLayer,
        "a draw is one of DISTRIBUTIONS, orthogonal only of dense blocks, with a number for all or each row",
        lambda layer: all(_distribution_fits(*drawn) for drawn in _drawn(layer)),
    ),
)
"""Rules that rely on a sound fabric."""
