"""SparseProp: CSR with AVX2 kernels, forward and backward, on the problem's own masks."""

from __future__ import annotations

import torch
from sparseprop.modules.linear import SparseLinear
from torch import nn

from benchmarks.peers.problem import Candidate, Problem, Weighted, summed


def candidates(problem: Problem) -> list[Candidate]:
    branches = [nn.Sequential(*map(_layer, branch)) for branch in problem.branches]
    parameters = tuple(parameter for branch in branches for parameter in branch.parameters())
    return [Candidate("sparseprop", summed([*branches]), parameters, same=True)]


def _layer(weighted: Weighted) -> nn.Module:
    return SparseLinear(torch.from_numpy(weighted.matrix.toarray()))
