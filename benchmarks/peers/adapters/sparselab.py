"""SparseLab: padded CSR with hand-written kernels. It draws its own mask, here of each factor's density."""

from __future__ import annotations

import sparselab
from torch import nn

from benchmarks.peers.problem import Candidate, Problem, Weighted, summed


def candidates(problem: Problem) -> list[Candidate]:
    branches = [nn.Sequential(*map(_layer, branch)) for branch in problem.branches]
    parameters = tuple(parameter for branch in branches for parameter in branch.parameters())
    return [Candidate("sparselab", summed([*branches]), parameters, same=False)]


def _layer(weighted: Weighted) -> nn.Module:
    rows, cols = weighted.matrix.shape
    return sparselab.SparseLinear(cols, rows, bias=False, sparsity=1 - weighted.density)
