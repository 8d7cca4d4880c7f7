"""torch-structured's layers where it has the pattern: butterfly of radix 2, Monarch, block diagonal; own weights."""

from __future__ import annotations

import torch_structured
from torch import nn
from torch_structured.monarch.blockdiag_linear import BlockdiagLinear
from torch_structured.monarch.monarch_linear import MonarchLinear

from benchmarks.peers.problem import Candidate, Problem, UnsuitableError, Weighted, summed
from nfc.ir.factors import Kron


def candidates(problem: Problem) -> list[Candidate]:
    branches = [_layer(branch) for branch in problem.branches]
    parameters = tuple(parameter for branch in branches for parameter in branch.parameters())
    return [Candidate("torch-structured", summed([*branches]), parameters, same=False)]


def _layer(branch: tuple[Weighted, ...]) -> nn.Module:
    factors = [weighted.factor for weighted in branch]
    width = factors[0].cols
    square = all(isinstance(factor, Kron) and factor.b == factor.c for factor in factors)
    if square and len(factors) > 2 and all(factor.b == 2 for factor in factors):
        return torch_structured.Butterfly(width, width, bias=False)
    if square and len(factors) == 2 and factors[0].b == factors[1].b:
        return MonarchLinear(width, width, nblocks=factors[0].a, bias=False)
    if square and len(factors) == 1 and factors[0].d == 1:
        return BlockdiagLinear(width, width, nblocks=factors[0].a, bias=False)
    raise UnsuitableError("has radix-2 butterflies, square Monarchs and block diagonals only")
