"""What blocks between index sets cannot do without: a gather of each value and of each layer's weights.

A gather takes no less time than the operator that copies as many numbers in the order in which they
lie. Copies of all that has to be gathered, timed beside a layer without gathers, bound from below what
the same layer takes with them. In training each layer has a function of Python as well: PyTorch's own
gradient of a gather adds row by row, which takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from onnx import TensorProto, helper

from benchmarks.cases import ONNX, Case
from benchmarks.steps import onnx_step
from nfc.bench.runtimes import TRAINING

Step = Callable[[], object]


def copies(case: Case, mode: str, width: int) -> tuple[Step, Step]:
    """Two steps whose difference in time is that of the copies alone; `width` numbers of a layer lie in each row.

    From one layer to the next a single gather is enough. Parameters are rows of weights in the order
    of the rows, which PyTorch gathers at each call, and whose gradients it puts back; ONNX files store
    them in the order of the blocks. A backward pass moves each gradient once, as its value before.
    """
    if mode == ONNX:
        return _chain(case, 2 * (case.layers + 1)), _chain(case, case.layers + 1)
    training = mode == TRAINING
    values = [torch.randn(case.rows, case.batch) for _ in range(case.layers + 1)]
    weights = [torch.randn(case.rows, width) for _ in range(case.layers)]
    moved = (values + weights) * (2 if training else 1)

    def copied() -> object:
        with torch.inference_mode():
            return [tensor.clone() for tensor in moved]

    if not training:
        return copied, lambda: None
    native, python = _nodes(torch.Tensor.clone, case.layers), _nodes(Copy.apply, case.layers)
    return lambda: (copied(), python()), native


class Copy(torch.autograd.Function):
    """`clone`, as a function of Python."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def _nodes(function: Callable[[torch.Tensor], torch.Tensor], count: int) -> Step:
    """Forward and backward through a function of a single number, `count` times in a row."""
    x = torch.ones(1, requires_grad=True)

    def step() -> object:
        y = x
        for _ in range(count):
            y = function(y)
        return torch.autograd.grad(y, x)

    return step


def _chain(case: Case, count: int) -> Step:
    """A model of `count` nodes, each of which reads every number of a value and writes as many."""
    shape = [case.rows, case.batch]
    names = ["input", *(f"moved{place}" for place in range(count))]
    nodes = [helper.make_node("Neg", [before], [after]) for before, after in pairwise(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (names[0], names[-1])]
    graph = helper.make_graph(nodes, "copies", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return onnx_step(model.SerializeToString(), torch.randn(*shape))
