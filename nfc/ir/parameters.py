"""What a network holds: every parameter and buffer, with the name it has in state dicts and weight files.

A layer's lone factor is `LAYER.weight`; the factors of a tree are `LAYER.fabric.PLACE.weight` with
their places (`0`, `1.0`, …). The bias is `LAYER.bias`. An embedding and learned positions are `PATH.weight`. Weights are keyed by these names everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from nfc.ir.fabric import named_factors, reads_input
from nfc.ir.factors import Factor
from nfc.ir.names import attribute_path
from nfc.ir.network import Draw, Network, Norm, Op, WeightedLayer, feature_axis, walk
from nfc.ir.sequences import Table

Weights = dict[str, NDArray[np.float32]]
"""Arrays by parameter name, float32, of each parameter's shape."""


@dataclass(frozen=True)
class Parameter:
    """A parameter or a buffer.

    Attributes:
        name: its key in state dicts.
        role: `factor`, `bias`, `scale`, `shift`, `table`, or of a batch norm's buffers `mean`, `variance`.
        count: the trainable numbers in it; buffers count nothing.
        window: the trailing axes of `shape` behind those of the factor's weights: a kernel's sizes.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    count: int
    op: Op
    factor: Factor | None = None
    draw: Draw | None = None
    window: tuple[int, ...] = ()

    @property
    def trainable(self) -> bool:
        return self.role not in ("mean", "variance")


def parameters(network: Network) -> Iterator[Parameter]:
    """All parameters and buffers in order of execution."""
    for op in walk(network.body):
        if isinstance(op, WeightedLayer):
            yield from weighted_parameters(op)
        elif isinstance(op, Norm):
            yield from norm_parameters(op)
        elif isinstance(op, Table):
            yield table_parameter(op)


def factor_name(path: str, place: str) -> str:
    """The parameter name of the factor at `place` in the fabric of the layer at `path`."""
    base = attribute_path(path)
    return f"{base}.fabric.{place}.weight" if place else f"{base}.weight"


def weighted_parameters(op: WeightedLayer) -> Iterator[Parameter]:
    """A layer's weights, in the order of its factors, and its bias."""
    placed = zip(named_factors(op.fabric), reads_input(op.fabric), strict=True)
    for index, ((place, factor), reads) in enumerate(placed):
        draw = op.draws[index] if op.draws else None
        window = op.window if reads else ()
        shape, count = (*factor.weight_shape, *window), factor.edges * prod(window)
        name = factor_name(op.path, place)
        yield Parameter(name, shape, "factor", count, op, factor, draw, window)
    if op.bias:
        size = op.fabric.rows
        yield Parameter(f"{attribute_path(op.path)}.bias", (size,), "bias", size, op)


def norm_parameters(op: Norm) -> Iterator[Parameter]:
    base, size = attribute_path(op.path), op.input[feature_axis(op.input)]
    yield Parameter(f"{base}.weight", (size,), "scale", size, op)
    if op.norm != "rms":
        yield Parameter(f"{base}.bias", (size,), "shift", size, op)
    if op.norm == "batch":
        yield Parameter(f"{base}.running_mean", (size,), "mean", 0, op)
        yield Parameter(f"{base}.running_var", (size,), "variance", 0, op)


def table_parameter(op: Table) -> Parameter:
    """The table of an embedding or of positions, [rows, features]."""
    name, shape = f"{attribute_path(op.path)}.weight", (op.rows, op.features)
    return Parameter(name, shape, "table", op.rows * op.features, op, draw=op.draw)
