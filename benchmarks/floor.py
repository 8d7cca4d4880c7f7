"""Small layers at the floor of PyTorch: one operator, prepared and unchecked, in as many modules as nfc has.

A network and its layer are two modules. Around the one product of a lone factor, by a sparse matrix or
blocks that are kept as they are, with no question asked about the input, they are the least that a
layer of PyTorch can be; SciPy's and PyTorch's sparse products are calls without a module.

Run: python benchmarks/floor.py [--seed SEED] [--numbers 16384] [--seconds 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn

from benchmarks.cases import Case
from benchmarks.peers.random_cases import random_cases
from benchmarks.report import described, markdown, ratio
from benchmarks.steps import forward_step
from nfc.bench.machine import machine
from nfc.bench.timing import interleaved, warm_allocator


class Network(nn.Module):
    """A layer in a network."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class SparseLayer(nn.Module):
    """One product with a sparse matrix."""

    def __init__(self, matrix: Tensor):
        super().__init__()
        self.matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return torch.mv(self.matrix, x.view(-1)).view(1, -1)
        return torch.mm(self.matrix, x.t()).t()


class BlockLayer(nn.Module):
    """One batched product with blocks [groups, outputs, inputs]."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        groups, outputs, inputs = self.weight.shape
        y = torch.bmm(self.weight, x.view(len(x), groups, inputs).permute(1, 2, 0))
        return y.view(groups * outputs, len(x)).t()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random cases")
    parser.add_argument("--numbers", type=int, default=2**14, help="batch times inputs, at most")
    parser.add_argument("--seconds", type=float, default=1, help="for each case")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warm_allocator()
    cases = [case for case in random_cases(30, arguments.seed) if case.batch * case.cols <= arguments.numbers]
    rows = [row for case in cases for row in measured(case, arguments.seconds)]
    titles = (
        "case",
        "nfc, µs",
        "floor, µs",
        "torch.sparse, µs",
        "SciPy, µs",
        "nfc / better",
        "floor / better",
    )
    print(f"{described(machine())}; one thread\n\n{markdown(titles, rows)}")


def measured(case: Case, seconds: float) -> Iterator[tuple[str, ...]]:
    """A row for a layer of a lone factor, forward; none for cascades and sums."""
    own = case.network().torch(batch=case.batch).eval()
    (layer,) = own.children()
    weight = getattr(layer, "weight", None)
    if weight is None:
        return
    with torch.no_grad():
        dense = own(torch.eye(case.cols)).t().contiguous()
    csr = dense.to_sparse_csr()
    compact = torch.sparse_csr_tensor(
        csr.crow_indices().int(), csr.col_indices().int(), csr.values(), csr.shape
    )
    whole = weight.dim() == 3
    floor = Network(BlockLayer(weight.detach()) if whole else SparseLayer(compact))
    inputs = torch.randn(case.batch, case.cols)
    with torch.inference_mode():
        torch.testing.assert_close(floor(inputs), own(inputs), rtol=1e-3, atol=1e-3)
    matrix, numbers = scipy.sparse.csr_matrix(dense.numpy()), np.ascontiguousarray(inputs.numpy())
    alone = case.batch == 1
    steps = {
        "nfc": forward_step(own, inputs),
        "floor": forward_step(floor, inputs),
        "torch.sparse": lambda: torch.mm(csr, inputs.t()).t(),
        "scipy": (lambda: matrix @ numbers[0]) if alone else lambda: (matrix @ numbers.T).T,
    }
    times = {name: time.median for name, time in interleaved(steps, seconds=seconds).items()}
    better = min(times["torch.sparse"], times["scipy"])
    micros = (f"{1e6 * time:.0f}" for time in times.values())
    yield case.name, *micros, ratio(times["nfc"] / better), ratio(times["floor"] / better)


if __name__ == "__main__":
    main()
