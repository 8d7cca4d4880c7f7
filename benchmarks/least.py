"""The operators that a layer cannot do without, timed alone: what is left to gain around them.

Each product of the plan runs on values that lie as it likes best, made beforehand: batched products,
products by edges, dense ones. Their sum is the least that PyTorch's operators take for that plan;
what nfc takes more goes to transposes between products and to the calls around them. Products of
fused stages are taken as multiplied out already.

Run: python benchmarks/least.py [--random SEED] [--only TEXT] [--seconds 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import torch

from benchmarks.cases import CASES, Case
from benchmarks.peers.random_cases import random_cases
from benchmarks.report import described, markdown, milliseconds, ratio
from benchmarks.steps import Step, forward_step, training_step
from nfc.bench.machine import machine
from nfc.bench.runtimes import FORWARD, TRAINING
from nfc.bench.timing import interleaved, warm_allocator
from nfc.ir.network import walk
from nfc.lowering import Target
from nfc.lowering.fuse import digits
from nfc.lowering.kernels import csr, shape_of
from nfc.lowering.plan import Add, Blocked, Chain, Dense, Fused, Kernel, Neighbours, Product, Sparse

BAGS = 9
"""Columns from which on `embedding_bag` multiplies by edges faster than a sparse matrix does."""

LANES = 8
"""Columns that `sampled_addmm` takes at a time, and a rest of them one by one: they are filled up."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, metavar="SEED", help="30 random cases in place of the table's")
    parser.add_argument("--only", nargs="*", default=[""], metavar="TEXT", help="cases whose names hold one")
    parser.add_argument("--seconds", type=float, default=1, help="for each case and mode")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warm_allocator()
    drawn = arguments.random is not None
    cases = random_cases(30, arguments.random) if drawn else (case for case in CASES if not case.deep)
    named = [case for case in cases if any(text.lower() in case.name.lower() for text in arguments.only)]
    rows = [row for case in named for row in measured(case, arguments.seconds)]
    titles = ("case", "mode", "nfc, ms", "operators alone, ms", "alone / nfc", "GFLOP/s alone")
    print(f"{described(machine())}; one thread\n\n{markdown(titles, rows)}")


def measured(case: Case, seconds: float) -> Iterator[tuple[str, ...]]:
    network = case.network()
    module, inputs = network.torch(batch=case.batch), torch.randn(case.batch, case.cols)
    plan = network.plan_for(Target(runtime="torch", batch=case.batch))
    kernels = [kernel for op in walk(plan.body) if isinstance(op, Product) for kernel in single(op.kernel)]
    for mode in (FORWARD, TRAINING):
        training = mode == TRAINING
        module.train(training)
        own = training_step(module, module.parameters(), inputs) if training else forward_step(module, inputs)
        products = [bare(kernel, case.batch, training=training) for kernel in kernels]
        steps = {"own": own, "alone": together([call for call, _ in products])}
        times = interleaved(steps, seconds=seconds)
        nfc, alone = times["own"].median, times["alone"].median
        speed = sum(operations for _, operations in products) / alone / 1e9
        yield case.name, mode, milliseconds(nfc), milliseconds(alone), ratio(alone / nfc), f"{speed:.0f}"


def single(kernel: Kernel) -> Iterator[Kernel]:
    """The products of a kernel, one by one."""
    if isinstance(kernel, Chain | Add):
        for part in kernel.parts:
            yield from single(part)
    elif isinstance(kernel, Dense | Blocked | Fused | Neighbours | Sparse):
        yield kernel


def bare(kernel: Kernel, batch: int, *, training: bool) -> tuple[Step, int]:
    """A product, in training with those of its two gradients too, and its operations."""
    passes = 3 if training else 1
    if isinstance(kernel, Neighbours | Sparse):
        indptr, indices = (torch.tensor(table, dtype=torch.int32) for table in csr(kernel))
        calls = by_edges(indptr, indices, shape_of(kernel), batch)
        return together(calls[:passes]), 2 * passes * len(indices) * batch
    assert isinstance(kernel, Dense | Blocked | Fused)
    a, b, c, d = (1, kernel.rows, kernel.cols, 1) if isinstance(kernel, Dense) else digits(kernel)
    calls = in_blocks(a * d, b, c, batch)
    return together(calls[:passes]), 2 * passes * a * d * b * c * batch


def in_blocks(count: int, outputs: int, inputs: int, batch: int) -> list[Step]:
    """The faster of columns and rows, and the gradients of the inputs and of the weights."""
    weights = torch.randn(count, outputs, inputs)
    x, y = torch.randn(count, batch, inputs), torch.randn(count, batch, outputs)
    if batch >= 16:
        x, y = x.mT.contiguous(), y.mT.contiguous()
        return [
            lambda: torch.bmm(weights, x),
            lambda: torch.bmm(weights.mT, y),
            lambda: torch.bmm(y, x.mT),
        ]
    outer: Callable[..., object] = torch.mul if batch == 1 else torch.bmm
    return [
        lambda: torch.bmm(x, weights.mT),
        lambda: torch.bmm(y, weights),
        lambda: outer(y.mT, x),
    ]


def by_edges(indptr: torch.Tensor, indices: torch.Tensor, shape: tuple[int, int], batch: int) -> list[Step]:
    """The product, that with the transposed matrix, and the products at the edges."""
    matrix = torch.sparse_csr_tensor(indptr, indices, torch.randn(len(indices)), shape)
    back = matrix.t().to_sparse_csr()
    pattern = matrix.clone()
    left, right = torch.randn(shape[0], batch), torch.randn(shape[1], batch)
    whole = batch if batch == 1 else -(-batch // LANES) * LANES
    wide_left, wide_right = torch.randn(shape[0], whole), torch.randn(shape[1], whole)
    return [
        edge_product(matrix, right),
        edge_product(back, left),
        lambda: torch.sparse.sampled_addmm(pattern, wide_left, wide_right.t(), beta=0.0, out=pattern),
    ]


def edge_product(matrix: torch.Tensor, x: torch.Tensor) -> Step:
    if x.shape[1] < BAGS:
        return (lambda: torch.mv(matrix, x[:, 0])) if x.shape[1] == 1 else lambda: torch.mm(matrix, x)
    indptr, indices, values = matrix.crow_indices().int(), matrix.col_indices().int(), matrix.values()
    return lambda: torch.embedding_bag(x, indices, indptr, False, 0, False, values, True)


def together(calls: list[Step]) -> Step:
    def step() -> object:
        with torch.inference_mode():
            return [call() for call in calls]

    return step


if __name__ == "__main__":
    main()
