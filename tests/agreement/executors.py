"""Everything that can run a network, and one way to compare it with the dense reference interpreter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator

from nfc.backends.numpy_interpreter import run_plan
from nfc.backends.onnx_graph import emit_onnx
from nfc.backends.torch_module import build_module
from nfc.diagnostics import Sink
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.ir.network import Network
from nfc.ir.parameters import Weights
from nfc.lowering import lower
from nfc.lowering.plan import Plan
from nfc.weights import from_state_dict
from tests.agreement.forms import everything_fused
from tests.build import input_values

BATCHES = (1, 3, 32)
TOLERANCE = 1e-5

RUNS: Counter[str] = Counter()
SKIPS: Counter[tuple[str, str]] = Counter()
REVIEWED_SKIPS: frozenset[tuple[str, str]] = frozenset(
    {
        ("onnx reference", "cannot read sparse tensors"),
    }
)
"""(executor, reason) of skips that have been looked at: onnx 1.23's evaluator fails on any sparse tensor."""


@dataclass
class Case:
    """A network with weights, and its compiled forms, each made once."""

    network: Network
    weights: Weights
    sparse: str = "delta"
    runners: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = lower(self.network)
        self.runners = {"plan interpreter": lambda value: run_plan(plan, self.weights, value)}
        self.add_torch("torch", plan)
        self.add_torch("torch, fused", everything_fused(plan, "torch", "edges"))
        self.add_onnx("", plan, optimised=False)
        self.add_onnx(", fused", everything_fused(plan, "onnxruntime", "edges"), optimised=True)
        clusters = everything_fused(plan, "onnxruntime", "clusters")
        self.add_onnx(", clusters at batch 1", clusters, optimised=True, batch=1)

    def add_torch(self, name: str, plan: Plan) -> None:
        module = build_module(plan, seed=0).eval()
        load(module, self.weights)
        self.runners[name] = torch_runner(module)

    def add_onnx(self, form: str, plan: Plan, **options: Any) -> None:
        model = emit_onnx(plan, self.weights, sparse=self.sparse, sink=Sink(), **options)
        self.runners |= {
            f"onnx reference{form}": reference_runner(model, self.sparse),
            f"onnxruntime{form}, optimisations off": runtime_runner(model, optimise=False),
            f"onnxruntime{form}, optimisations on": runtime_runner(model, optimise=True),
        }

    def check(self, seed: int = 0) -> None:
        """Every executor agrees with the reference interpreter at every batch size."""
        for batch in BATCHES:
            value = input_values(self.network, batch, seed + batch)
            expected = interpret(self.network, self.weights, value)
            scale = max(1.0, float(np.abs(expected).max()))
            for name, runner in self.runners.items():
                found = runner(value)
                if found is None:
                    continue
                RUNS[name] += 1
                assert found.shape == expected.shape, f"{name} at batch {batch}"
                error = float(np.abs(found - expected).max()) / scale
                assert error <= TOLERANCE, f"{name} at batch {batch} is off by {error:.2e}"


def trained_like(network: Network, seed: int = 0) -> Weights:
    """Initial weights moved off their special values: biases, shifts and running statistics too."""
    weights = initial_weights(network, seed)
    generator = np.random.default_rng(seed)
    return {name: disturbed(name, value, generator) for name, value in weights.items()}


def disturbed(name: str, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if name.endswith((".bias", ".running_mean")):
        return (value + 0.1 * generator.standard_normal(value.shape)).astype(np.float32)
    if name.endswith(".running_var"):
        return (value + generator.random(value.shape)).astype(np.float32)
    return (value * 1.1).astype(np.float32)


def load(module: torch.nn.Module, weights: Weights) -> None:
    state = module.state_dict()
    state.update({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    module.load_state_dict(state)


def state_of(module: torch.nn.Module, network: Network) -> Weights:
    return from_state_dict(module.state_dict(), network)


def torch_runner(module: torch.nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    def run(value: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.from_numpy(value)).numpy()

    return run


def reference_runner(model: bytes, sparse: str) -> Callable[[np.ndarray], np.ndarray | None]:
    proto = onnx.load_from_string(model)
    if has_sparse_tensors(proto):

        def skip(_: np.ndarray) -> None:
            SKIPS["onnx reference", "cannot read sparse tensors"] += 1

        return skip
    evaluator = ReferenceEvaluator(proto)
    return lambda value: evaluator.run(None, {"input": value})[0]


def has_sparse_tensors(model: onnx.ModelProto) -> bool:
    constants = (attribute for node in model.graph.node for attribute in node.attribute)
    return bool(model.graph.sparse_initializer) or any(a.name == "sparse_value" for a in constants)


def runtime_runner(model: bytes, *, optimise: bool) -> Callable[[np.ndarray], np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda value: session.run(None, {"input": value})[0]
