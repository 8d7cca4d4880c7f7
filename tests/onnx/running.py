"""Compiling by hand-made plans, running a model in every way there is, and what it must compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from nfc.backends.onnx_graph.emit import emit_chunks
from nfc.backends.onnx_graph.options import Options
from nfc.diagnostics import Sink
from nfc.ir.interpreter import interpret
from nfc.ir.network import Network
from nfc.ir.parameters import Weights
from nfc.lowering.plan import Plan
from tests.onnx.plans import plan_of, weights_of

BATCHES = (1, 3, 32)
TOLERANCE = 1e-5

Runner = tuple[str, "onnxruntime.InferenceSession | ReferenceEvaluator"]


def compiled(
    network: Network,
    weights: Weights | None = None,
    sink: Sink | None = None,
    choose: Callable[[Plan], Plan] = lambda plan: plan,
    **options,
) -> bytes:
    """The model of a network's plan; `choose` puts other kernels into the plan."""
    weights = weights_of(network) if weights is None else weights
    return b"".join(emit_chunks(choose(plan_of(network)), weights, Options(**options), sink or Sink()))


def check_model(model: bytes) -> None:
    """The full checker; the plain one for sparse initializers, whose types shape inference cannot use."""
    proto = onnx.load_from_string(model)
    onnx.checker.check_model(proto, full_check=not proto.graph.sparse_initializer)


def session(model: bytes, *, optimise: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runners(model: bytes) -> Iterator[Runner]:
    yield "reference", ReferenceEvaluator(densified(onnx.load_from_string(model)))
    yield "runtime, optimisations off", session(model, optimise=False)
    yield "runtime, optimisations on", session(model, optimise=True)


def operators(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(model).graph.node]


def assert_computes(network: Network, weights: Weights | None = None, **options) -> None:
    """Every way to run the model agrees with the dense interpreter, at every batch size."""
    weights = weights_of(network) if weights is None else weights
    model = compiled(network, weights, **options)
    check_model(model)
    agree(network, weights, model, TOLERANCE)


def agree(network: Network, weights: Weights, model: bytes, tolerance: float) -> None:
    ways = list(runners(model))
    for batch in BATCHES:
        value = np.random.default_rng(batch).standard_normal((batch, *network.input)).astype(np.float32)
        expected = interpret(network, weights, value)
        scale = max(1.0, float(np.abs(expected).max()))
        for name, way in ways:
            (found,) = way.run(None, {"input": value})
            assert found.shape == expected.shape, name
            assert found.dtype == np.float32, name
            assert float(np.abs(found - expected).max()) <= tolerance * scale, (name, batch)


def densified(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with sparse tensors dense, for onnx's evaluator, which reads none."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for sparse in copy.graph.sparse_initializer:
        copy.graph.initializer.append(dense_tensor(sparse, sparse.values.name))
    del copy.graph.sparse_initializer[:]
    for node in copy.graph.node:
        for attribute in node.attribute:
            if attribute.name == "sparse_value":
                tensor = dense_tensor(attribute.sparse_tensor, node.output[0])
                attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))
    return copy


def dense_tensor(sparse: onnx.SparseTensorProto, name: str) -> onnx.TensorProto:
    values = onnx.numpy_helper.to_array(sparse.values)
    dense = np.zeros(tuple(sparse.dims), values.dtype)
    dense.reshape(-1)[onnx.numpy_helper.to_array(sparse.indices)] = values
    return onnx.numpy_helper.from_array(dense, name)
