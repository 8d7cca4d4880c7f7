"""Moments of signals and gradients behind every layer, measured: seeds × inputs, by PyTorch's autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nfc.ir.fabric import Cascade, Fabric, part_place
from nfc.ir.factors import Factor
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import factor_matrix
from nfc.ir.network import (
    NORM_EPSILON,
    Activation,
    Block,
    Concat,
    Crop,
    Linear,
    Network,
    Norm,
    Op,
    Pad,
    Repeat,
    Residual,
    Sum,
)
from nfc.ir.parameters import Weights, factor_name

Apply = Callable[[Linear, Tensor], Tensor]
Note = Callable[[Op, Tensor], Tensor]


@dataclass(frozen=True)
class Measured:
    """Per seed, [seeds]: the mean second moment of values, of their products at two inputs, and the gradient's total."""

    second: np.ndarray
    shared: np.ndarray
    backward: np.ndarray


def measured(network: Network, seeds: int, inputs: int = 32) -> dict[str, Measured]:
    """By the path of each weighted layer and activation.

    Inputs are standard normal and independent, and so are the gradients at the output, whose total
    is 1 in expectation.
    """
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(seeds):
        for path, moments in _run(network, seed, inputs).items():
            found.setdefault(path, []).append(moments)
    return {path: Measured(*np.array(rows).T) for path, rows in found.items()}


def _run(network: Network, seed: int, inputs: int) -> dict[str, tuple[float, float, float]]:
    weights = initial_weights(network, seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(inputs, *network.input, generator=generator, dtype=torch.float64, requires_grad=True)
    values: dict[str, Tensor] = {}

    def apply(layer: Linear, value: Tensor) -> Tensor:
        return through(layer.fabric, layer.path, "", weights, value)

    def note(op: Op, value: Tensor) -> Tensor:
        value.retain_grad()
        values[op.path] = value
        return value

    output = run(network.body, x, apply, note)
    gradient = torch.randn(output.shape, generator=generator, dtype=torch.float64)
    output.backward(gradient / output[0].numel() ** 0.5)
    return {path: _moments(value) for path, value in values.items()}


def _moments(value: Tensor) -> tuple[float, float, float]:
    flat = value.detach().flatten(1)
    count, size = flat.shape
    second = float((flat**2).mean())
    shared = float((flat.sum(0) ** 2).sum() / (count * size) - second) / (count - 1)
    assert value.grad is not None
    return second, shared, float((value.grad**2).sum() / count)


def through(fabric: Fabric, path: str, place: str, weights: Weights, x: Tensor) -> Tensor:
    """A fabric's outputs, each factor as its dense matrix."""
    if isinstance(fabric, Factor):
        return x @ torch.from_numpy(factor_matrix(fabric, weights[factor_name(path, place)])).T
    inner = [part_place(place, index) for index in range(len(fabric.parts))]
    if isinstance(fabric, Cascade):
        for part, at in zip(fabric.parts, inner, strict=True):
            x = through(part, path, at, weights, x)
        return x
    outputs = [through(part, path, at, weights, x) for part, at in zip(fabric.parts, inner, strict=True)]
    return torch.stack(outputs).sum(0)


def run(block: Block, x: Tensor, apply: Apply, note: Note) -> Tensor:
    """A block's values, noted behind weighted layers and activations; biases are 0, scales 1."""
    for op in block:
        x = _operation(op, x, apply, note)
    return x


def _operation(op: Op, x: Tensor, apply: Apply, note: Note) -> Tensor:
    match op:
        case Linear():
            return note(op, apply(op, x))
        case Activation(function="leaky_relu"):
            return note(op, torch.nn.functional.leaky_relu(x, op.negative_slope))
        case Activation():
            return note(op, getattr(torch.nn.functional, op.function)(x))
        case Norm(norm="layer"):
            return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=NORM_EPSILON)
        case Norm(norm="rms"):
            return x / (x**2).mean(-1, keepdim=True).add(NORM_EPSILON).sqrt()
        case Pad():
            return torch.nn.functional.pad(x, (0, op.output[-1] - op.input[-1]))
        case Crop():
            return x[..., : op.output[-1]]
        case Repeat():
            return run(tuple(inner for copy in op.copies for inner in copy), x, apply, note)
        case Residual():
            skip = x if op.project is None else run((op.project,), x, apply, note)
            return skip + run(op.body, x, apply, note)
        case Sum():
            return sum((run(branch, x, apply, note) for branch in op.branches), torch.zeros(()))
        case Concat():
            return torch.cat([run(branch, x, apply, note) for branch in op.branches], -1)
        case _:
            raise TypeError(f"{op.path}: {type(op).__name__} is not measured")
