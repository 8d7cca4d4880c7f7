"""Which edge a number of a file belongs to: found by writing the file with edges' ends as its weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.artifacts.onnx_file import OnnxGraph, array_of
from nfc.artifacts.reference import Values, reference
from nfc.backends.onnx_weights.choices import Choices
from nfc.ir.convolutions import Conv
from nfc.ir.network import Op, walk
from nfc.ir.parameters import Parameter, parameters
from nfc.ir.structure import endpoints

BASE = 1024
"""Ends are written in digits that float16 holds exactly, from 1."""

OF_OUTPUTS = ("/rows", "/order")
"""Tables with a number for each output."""

TABLES = ("/inputs", "/columns", "/gaps", *OF_OUTPUTS)
FOLDED = "/folded"

KERNELS = ("outputs", "inputs of a group", "height", "width")
"""The axes of a convolution's weights."""


@dataclass(frozen=True)
class Place:
    """An operation, and where it is known the output and the input of the edge."""

    op: Op | None
    output: int | None = None
    input: int | None = None


def place_of(network: Network, chosen: Choices, name: str, owner: str, index: int | None) -> Place:
    """The operation that a node or tensor of the reference belongs to, and the edge at a flat index of it.

    Args:
        owner: the node that reads the tensor.
    """
    op = _operation(network, name)
    if op is None:
        return Place(_operation(network, owner))
    if index is None:
        return Place(op)
    weights = next((name.removesuffix(table) for table in TABLES if name.endswith(table)), name)
    if weights.endswith(FOLDED):
        return Place(op)
    if name.endswith(OF_OUTPUTS):
        return Place(op, output=index)
    windowed = isinstance(op, Conv)
    ends = [_end(network, chosen, weights, name, index, side, windowed) for side in (0, 1)]
    return Place(op, *ends)


def _operation(network: Network, name: str) -> Op | None:
    """The operation whose path, or one of whose parameters, starts the name."""
    found = {parameter.name: parameter.op for parameter in parameters(network.ir)}
    head = name.partition("/")[0]
    if head in found:
        return found[head]
    return next((op for op in walk(network.ir.body) if op.path == head), None)


def _end(
    network: Network, chosen: Choices, weights: str, name: str, index: int, side: int, windowed: bool
) -> int | None:
    """The output (side 0) or the input (side 1) of the edge; None where it cannot be told."""
    largest = max((max(p.factor.shape) for p in parameters(network.ir) if p.factor), default=1)
    number, scale = 0, 1
    while scale < largest:
        written = reference(network, chosen, _digits(weights.partition("/")[0], side, scale))
        digit = _digit(written, weights, name, index, side, windowed)
        if digit is None:
            return None
        number, scale = number + digit * scale, scale * BASE
    return number


def _digits(name: str, side: int, scale: int) -> Values:
    """A digit of one end of each edge of a factor, plus 1; other weights are 1."""

    def values(parameter: Parameter) -> NDArray[np.float32]:
        if parameter.factor is None or parameter.name != name:
            return np.ones(parameter.shape, np.float32)
        digits = endpoints(parameter.factor)[side] // scale % BASE + 1
        return np.repeat(digits, prod(parameter.window)).astype(np.float32).reshape(parameter.shape)

    return values


def _digit(written: OnnxGraph, weights: str, name: str, index: int, side: int, windowed: bool) -> int | None:
    tensor = _tensor(written, weights)
    if tensor is None:
        return None
    numbers = array_of(tensor, weights)
    if windowed and numbers.ndim == len(KERNELS):
        if name == weights:
            index //= prod(numbers.shape[2:])
        numbers = numbers[..., 0, 0]  # an edge has one number all over its window
    if name.endswith("/columns"):
        found = _column(numbers, tuple(written.tensors[name].dims), index)
    elif index >= numbers.size:
        return None
    else:
        found = numbers.reshape(-1)[index : index + 1]
        if not found.any() and numbers.ndim >= 2 and not (windowed and side):
            found = _line(numbers, index, numbers.ndim - (1 if side == 0 else 2)).max(keepdims=True)
    return int(found[0]) - 1 if found.any() else None


def _column(numbers: NDArray[np.floating], table: tuple[int, ...], index: int) -> NDArray[np.floating]:
    """The first number that is not 0 of a block's column; convolutions have the columns of all blocks on one axis."""
    width = table[-1] if len(table) > 1 else numbers.shape[-1]
    column = numbers.reshape(prod(table) // width, -1, width)[index // width, :, index % width]
    return column[np.flatnonzero(column)[:1]]


def _line(numbers: NDArray[np.floating], index: int, axis: int) -> NDArray[np.floating]:
    """The numbers along an axis through a flat index."""
    at = np.unravel_index(index, numbers.shape)
    return numbers[tuple(slice(None) if place == axis else at[place] for place in range(numbers.ndim))]


def _tensor(written: OnnxGraph, name: str) -> Any:
    """The `TensorProto` of a factor's weights, however they are stored; None where there is none."""
    for candidate in (name, f"{name}/values"):
        if candidate in written.tensors:
            return written.tensors[candidate]
        if candidate in written.sparse:
            return written.sparse[candidate].values
    for node in written.graph.node:
        for each in node.attribute:
            if node.name == name and each.name == "sparse_value":
                return each.sparse_tensor.values
    return None
