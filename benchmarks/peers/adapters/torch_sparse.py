"""torch.sparse's CSR product, inference alone: its weights get dense gradients and no optimiser takes them."""

from __future__ import annotations

import torch

from benchmarks.peers.problem import Candidate, Function, Problem, Weighted, summed


def candidates(problem: Problem) -> list[Candidate]:
    return [
        Candidate("torch.sparse", summed([_chain(branch) for branch in problem.branches]), None, same=True)
    ]


def _chain(branch: tuple[Weighted, ...]) -> Function:
    tensors = [_tensor(weighted) for weighted in branch]

    def function(inputs: torch.Tensor) -> torch.Tensor:
        value = inputs.t()
        for tensor in tensors:
            value = tensor @ value
        return value.t()

    return function


def _tensor(weighted: Weighted) -> torch.Tensor:
    matrix = weighted.matrix
    arrays = map(torch.from_numpy, (matrix.indptr, matrix.indices, matrix.data))
    return torch.sparse_csr_tensor(*arrays, size=matrix.shape)
