"""What a network holds: every parameter and buffer, with the name it has in state dicts and weight files.

A layer's lone factor is `LAYER.weight`; the factors of a tree are `LAYER.fabric.PLACE.weight` with
their places (`0`, `1.0`, …). The bias is `LAYER.bias`. Weights are keyed by these names everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nfc.ir.fabric import named_factors
from nfc.ir.factors import Factor
from nfc.ir.names import attribute_path
from nfc.ir.network import Draw, Linear, Network, Norm, Op, walk

Weights = dict[str, NDArray[np.float32]]
"""Arrays by parameter name, float32, of each parameter's shape."""


@dataclass(frozen=True)
class Parameter:
    """A parameter or a buffer.

    Attributes:
        name: its key in state dicts.
        role: `factor`, `bias`, `scale`, `shift`, or of a batch norm's buffers `mean`, `variance`.
        count: the trainable numbers in it; buffers count nothing.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    count: int
    op: Op
    factor: Factor | None = None
    draw: Draw | None = None

    @property
    def trainable(self) -> bool:
        return self.role not in ("mean", "variance")


def parameters(network: Network) -> Iterator[Parameter]:
    """All parameters and buffers in order of execution."""
    for op in walk(network.body):
        if isinstance(op, Linear):
            yield from linear_parameters(op)
        elif isinstance(op, Norm):
            yield from norm_parameters(op)


def factor_name(path: str, place: str) -> str:
    """The parameter name of the factor at `place` in the fabric of the layer at `path`."""
    base = attribute_path(path)
    return f"{base}.fabric.{place}.weight" if place else f"{base}.weight"


def linear_parameters(op: Linear) -> Iterator[Parameter]:
    for index, (place, factor) in enumerate(named_factors(op.fabric)):
        draw = op.draws[index] if op.draws else None
        name = factor_name(op.path, place)
        yield Parameter(name, factor.weight_shape, "factor", factor.edges, op, factor, draw)
    if op.bias:
        size = op.output[-1]
        yield Parameter(f"{attribute_path(op.path)}.bias", (size,), "bias", size, op)


def norm_parameters(op: Norm) -> Iterator[Parameter]:
    base, size = attribute_path(op.path), op.input[-1]
    yield Parameter(f"{base}.weight", (size,), "scale", size, op)
    if op.norm != "rms":
        yield Parameter(f"{base}.bias", (size,), "shift", size, op)
    if op.norm == "batch":
        yield Parameter(f"{base}.running_mean", (size,), "mean", 0, op)
        yield Parameter(f"{base}.running_var", (size,), "variance", 0, op)
