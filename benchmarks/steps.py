"""What is timed: a forward pass, and a forward and backward pass, batch-first in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from nfc.bench.runtimes import Call, onnx_session

Step = Call


def forward_step(function: Callable[[torch.Tensor], object], inputs: torch.Tensor) -> Step:
    """The function alone, as in inference. `inputs` is [batch, features] and contiguous."""

    def step() -> object:
        with torch.inference_mode():
            return function(inputs)

    return step


def training_step(
    function: Callable[[torch.Tensor], torch.Tensor], parameters: Iterable[nn.Parameter], inputs: torch.Tensor
) -> Step:
    """Forward and backward: the gradients of the input and of every parameter, from a contiguous gradient."""
    inputs = inputs.clone().requires_grad_()
    wanted = [inputs, *parameters]
    with torch.no_grad():
        gradient = torch.randn(function(inputs).shape)
    return lambda: torch.autograd.grad(function(inputs), wanted, gradient)


def onnx_step(model: bytes, inputs: torch.Tensor, threads: int = 1) -> Step:
    """A run of an ONNX model whose input is `input`, in ONNX Runtime on the CPU."""
    session = onnx_session(model, threads)
    values = inputs.numpy()
    return lambda: session.run(None, {"input": values})


def dense_layer(rows: int, cols: int) -> nn.Linear:
    """`nn.Linear`, cols inputs → rows outputs, without bias."""
    return nn.Linear(cols, rows, bias=False)


def dense_onnx(rows: int, cols: int, layers: int = 1, *, deep: bool = False) -> bytes:
    """`layers` dense layers as Gemm nodes, each with its bias and a ReLU if `deep`, on a dynamic batch."""
    nodes, tensors, value = [], [], "input"
    for place in range(layers):
        product = f"product{place}" if deep or place < layers - 1 else "output"
        names = [f"weight{place}", *([f"bias{place}"] if deep else [])]
        shapes = [(rows, cols), (rows,)]
        tensors += [_tensor(name, shape) for name, shape in zip(names, shapes, strict=False)]
        nodes.append(helper.make_node("Gemm", [value, *names], [product], transB=1))
        value = product
        if deep:
            value = f"value{place}" if place < layers - 1 else "output"
            nodes.append(helper.make_node("Relu", [product], [value]))
    return _model(nodes, tensors, cols, rows)


def _tensor(name: str, shape: tuple[int, ...]) -> TensorProto:
    values = torch.randn(shape) / shape[-1] ** 0.5
    return numpy_helper.from_array(values.numpy(), name)


def _model(nodes: list[Any], tensors: list[TensorProto], cols: int, rows: int) -> bytes:
    def value(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])

    graph = helper.make_graph(nodes, "dense", [value("input", cols)], [value("output", rows)], tensors)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    return bytes(model.SerializeToString())
