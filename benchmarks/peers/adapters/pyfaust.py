"""pyfaust: products of sparse factors in C++, inference alone; butterflies in its optimised form as well."""

from __future__ import annotations

import numpy as np
import pyfaust
import torch
from scipy.sparse import csr_matrix

from benchmarks.peers.problem import Candidate, Function, Problem, Weighted, summed
from nfc.ir.factors import Kron


def candidates(problem: Problem) -> list[Candidate]:
    operators = [_operator(branch) for branch in problem.branches]
    found = [_candidate("pyfaust", operators)]
    if all(map(_is_butterfly, problem.branches)):
        optimised = [pyfaust.opt_butterfly_faust(operator) for operator in operators]
        found.append(_candidate("pyfaust, optimised", optimised))
    return found


def _operator(branch: tuple[Weighted, ...]) -> pyfaust.Faust:
    return pyfaust.Faust([csr_matrix(weighted.matrix) for weighted in reversed(branch)])


def _is_butterfly(branch: tuple[Weighted, ...]) -> bool:
    """Radix 2, all stages, square: what `opt_butterfly_faust` is defined for."""
    factors = [weighted.factor for weighted in branch]
    stages = len(factors)
    return all(
        factor == Kron(2 ** (stages - 1 - place), 2, 2, 2**place) for place, factor in enumerate(factors)
    )


def _candidate(name: str, operators: list[pyfaust.Faust]) -> Candidate:
    return Candidate(name, summed([_product(operator) for operator in operators]), None, same=True)


def _product(operator: pyfaust.Faust) -> Function:
    def function(inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.asarray(operator @ inputs.numpy().T).T)

    return function
