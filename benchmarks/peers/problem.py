"""What every rival is given: one sparse linear layer with nfc's own pattern and weights, and what rivals answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import nn

from benchmarks.cases import Case
from nfc.ir.fabric import Cascade, Fabric, Sum, named_factors
from nfc.ir.factors import Factor
from nfc.ir.network import Linear, weighted_layers
from nfc.ir.parameters import factor_name

Function = Callable[[torch.Tensor], torch.Tensor]


class UnsuitableError(Exception):
    """A rival has nothing for this layer; the message says why."""


@dataclass(frozen=True)
class Weighted:
    """A factor and its weights as a float32 CSR matrix, rows = outputs."""

    factor: Factor
    matrix: csr_array

    @property
    def density(self) -> float:
        return self.matrix.nnz / (self.matrix.shape[0] * self.matrix.shape[1])


@dataclass(frozen=True)
class Problem:
    """A layer without bias: branches add, the factors of a branch stand in order of execution."""

    case: Case
    branches: tuple[tuple[Weighted, ...], ...]

    @property
    def density(self) -> float:
        edges = sum(weighted.matrix.nnz for branch in self.branches for weighted in branch)
        return edges / (self.case.rows * self.case.cols)

    def reference(self, inputs: np.ndarray) -> np.ndarray:
        """The layer's value in float64, from sparse products alone."""
        return sum(_cascade(branch, inputs.astype(np.float64).T) for branch in self.branches).T


@dataclass(frozen=True)
class Candidate:
    """One way in which a rival computes the layer, [batch, cols] → [batch, rows].

    Attributes:
        parameters: what a backward pass gives gradients of; None where there is no backward pass.
        same: whether pattern and weights are the problem's own, so that the value can be compared.
    """

    name: str
    function: Function
    parameters: tuple[nn.Parameter, ...] | None
    same: bool


def problem_of(case: Case, module: nn.Module) -> Problem:
    """The case with the weights of the emitted module.

    Raises:
        UnsuitableError: the fabric is a cascade of sums, which no rival takes.
    """
    (layer,) = weighted_layers(case.network().ir)
    state = module.state_dict()
    weighted = iter([_weighted(layer, place, factor, state) for place, factor in named_factors(layer.fabric)])
    return Problem(case, tuple(_branch(part, weighted) for part in _parts(layer.fabric)))


def _parts(fabric: Fabric) -> tuple[Fabric, ...]:
    return fabric.parts if isinstance(fabric, Sum) else (fabric,)


def _branch(fabric: Fabric, weighted: Iterator[Weighted]) -> tuple[Weighted, ...]:
    factors = fabric.parts if isinstance(fabric, Cascade) else (fabric,)
    if not all(isinstance(factor, Factor) for factor in factors):
        raise UnsuitableError("the fabric is nested")
    return tuple(next(weighted) for _ in factors)


def _weighted(layer: Linear, place: str, factor: Factor, state: dict[str, torch.Tensor]) -> Weighted:
    values = state[factor_name(layer.path, place)].numpy().ravel()
    indptr, indices = factor.arrays()
    kept = (np.asarray(indices, np.int32), np.asarray(indptr, np.int32))
    return Weighted(factor, csr_array((values, *kept), shape=factor.shape))


def _cascade(branch: tuple[Weighted, ...], values: np.ndarray) -> np.ndarray:
    for weighted in branch:
        values = weighted.matrix.astype(np.float64) @ values
    return values


def summed(branches: list[Function]) -> Function:
    """The sum of several functions of one input."""
    first, *others = branches
    if not others:
        return first

    def function(inputs: torch.Tensor) -> torch.Tensor:
        value = first(inputs)
        for other in others:
            value = value + other(inputs)
        return value

    return function
