"""SciPy's CSR product, inference alone: products of sparse factors with a matrix of columns."""

from __future__ import annotations

import torch

from benchmarks.peers.problem import Candidate, Function, Problem, Weighted, summed


def candidates(problem: Problem) -> list[Candidate]:
    return [Candidate("scipy", summed([_chain(branch) for branch in problem.branches]), None, same=True)]


def _chain(branch: tuple[Weighted, ...]) -> Function:
    matrices = [weighted.matrix for weighted in branch]

    def function(inputs: torch.Tensor) -> torch.Tensor:
        value = inputs.numpy().T
        for matrix in matrices:
            value = matrix @ value
        return torch.from_numpy(value.T)

    return function
