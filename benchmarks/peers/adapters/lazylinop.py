"""lazylinop's Kronecker-sparse operators on torch: factor by factor, and fused by its own `fuse` into two.

The fused form is for inference: fusing anew for each step takes seconds to minutes.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from lazylinop.butterfly import fuse, ksm
from torch import nn

from benchmarks.peers.problem import Candidate, Function, Problem, UnsuitableError, Weighted, summed
from nfc.ir.factors import Kron


def candidates(problem: Problem) -> list[Candidate]:
    branches = [[_values(weighted) for weighted in reversed(branch)] for branch in problem.branches]
    trained = tuple(values for branch in branches for values in branch)
    found = [Candidate("lazylinop", summed([_product(branch) for branch in branches]), trained, same=True)]
    if all(len(branch) > 2 and _chainable(branch) for branch in branches):
        halves = [_fused(branch) for branch in branches]
        found.append(
            Candidate("lazylinop, fused", summed([_product(pair) for pair in halves]), None, same=True)
        )
    return found


def _values(weighted: Weighted) -> nn.Parameter:
    """The weights as [a, b, c, d]."""
    factor = weighted.factor
    if not isinstance(factor, Kron):
        raise UnsuitableError("takes Kronecker-sparse factors only")
    weights = weighted.matrix.data.reshape(factor.a, factor.b, factor.d, factor.c)
    return nn.Parameter(torch.from_numpy(weights).permute(0, 1, 3, 2).contiguous())


def _chainable(branch: list[nn.Parameter]) -> bool:
    shapes = [values.shape for values in branch]
    return all(right[0] % left[0] == 0 and left[3] % right[3] == 0 for left, right in pairwise(shapes))


def _fused(branch: list[nn.Parameter]) -> list[nn.Parameter]:
    stages = [values.detach() for values in branch]
    half = len(stages) // 2
    return [nn.Parameter(fuse(part)) for part in (stages[:half], stages[half:])]


def _product(branch: list[nn.Parameter]) -> Function:
    """The product; its operator is built ahead for inference and anew for each step that gives gradients."""
    ready = ksm([values.detach() for values in branch])

    def function(inputs: torch.Tensor) -> torch.Tensor:
        operator = ksm([*branch]) if torch.is_grad_enabled() else ready
        return (operator @ inputs.t()).t()

    return function
