"""What runs networks: PyTorch and ONNX Runtime behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nfc.api import Network
from nfc.bench.timing import threads

FORWARD, TRAINING = "forward", "forward+backward"

Call = Callable[[], object]


class Runtime(Protocol):
    """A runtime that uses `threads` threads inside an operation.

    Attributes:
        name: as `--runtime` has it, and the module that it needs.
        modes: what of FORWARD and TRAINING it can do.
    """

    name: str
    modes: tuple[str, ...]
    threads: int

    def limited(self) -> AbstractContextManager[None]:
        """In it, the calls use `threads` threads."""

    def compile(self, network: Network, seed: int, batch: int) -> Any:
        """The network as this runtime has it, with kernels for a batch; NfcError where it cannot be compiled."""

    def call(self, program: Any, mode: str, values: NDArray[Any]) -> Call:
        """One step of a compiled network on `values`, [batch, *input], numbers or token ids, good until the next call is made of it."""

    def matmul(self, size: int) -> Call:
        """The product of two matrices [size, size] in float32."""


class TorchRuntime:
    """The emitted module, eagerly. A step of training gives the gradients of the input and of all parameters."""

    name = "torch"
    modes: tuple[str, ...] = (FORWARD, TRAINING)

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def limited(self) -> AbstractContextManager[None]:
        return threads(self.threads)

    def compile(self, network: Network, seed: int, batch: int) -> Any:
        return network.torch(seed, batch=batch)

    def call(self, program: Any, mode: str, values: NDArray[Any]) -> Call:
        return _torch_forward(program, values) if mode == FORWARD else _torch_training(program, values)

    def matmul(self, size: int) -> Call:
        import torch

        left, right = torch.ones(size, size), torch.ones(size, size)
        return lambda: left @ right


def _torch_forward(module: Any, values: NDArray[Any]) -> Call:
    import torch

    inputs = torch.from_numpy(values)
    module.eval()

    def forward() -> object:
        with torch.inference_mode():
            return module(inputs)

    return forward


def _torch_training(module: Any, values: NDArray[Any]) -> Call:
    """Forward and backward; the gradient that comes in is contiguous, [batch, *output]. Token ids have none."""
    import torch

    inputs = torch.from_numpy(values.copy())
    wanted = list(module.parameters())
    if inputs.is_floating_point():
        wanted.insert(0, inputs.requires_grad_())
    with torch.no_grad():
        gradient = torch.ones_like(module(inputs), memory_format=torch.contiguous_format)
    module.train()

    def step() -> object:
        return torch.autograd.grad(module(inputs), wanted, gradient)

    return step


class OnnxRuntime:
    """The ONNX model in ONNX Runtime on the CPU, all graph optimisations on."""

    name = "onnxruntime"
    modes: tuple[str, ...] = (FORWARD,)

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def limited(self) -> AbstractContextManager[None]:
        return nullcontext()

    def compile(self, network: Network, seed: int, batch: int) -> Any:
        return onnx_session(network.onnx(seed=seed, batch=batch), self.threads)

    def call(self, program: Any, mode: str, values: NDArray[Any]) -> Call:
        return lambda: program.run(None, {"input": values})

    def matmul(self, size: int) -> Call:
        matrix = np.ones((size, size), np.float32)
        session = onnx_session(_matmul_model(size), self.threads)
        return lambda: session.run(None, {"left": matrix, "right": matrix})


def onnx_session(model: bytes, threads: int) -> Any:
    """A session on the CPU with `threads` threads inside an operation, all graph optimisations on."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # the threads of a session that waits would take the processor from its rival's
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _matmul_model(size: int) -> bytes:
    from onnx import TensorProto, helper

    left, right, product = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (size, size))
        for name in ("left", "right", "product")
    )
    node = helper.make_node("MatMul", ["left", "right"], ["product"])
    graph = helper.make_graph([node], "matmul", [left, right], [product])
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, ir_version=10, opset_imports=[opset])
    return bytes(model.SerializeToString())


RUNTIMES: dict[str, Callable[[int], Runtime]] = {"torch": TorchRuntime, "onnxruntime": OnnxRuntime}
"""Every runtime, made for a number of threads."""


def is_installed(name: str) -> bool:
    """Whether a runtime can be imported, without importing it."""
    return find_spec(name) is not None
