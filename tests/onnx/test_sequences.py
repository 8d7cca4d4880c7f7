"""ONNX files of networks on sequences: token ids, one causal mask, tables in either type, empty batches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import nfc
from nfc.backends.numpy_interpreter import run_plan
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.source import Source
from tests.build import input_values

RUN = """
import sys
from pathlib import Path
import numpy as np
import onnxruntime
for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (value,) = session.get_inputs()
        kind = np.int64 if value.type == "tensor(int64)" else np.float32
        (found,) = session.run(None, {"input": np.zeros((0, *value.shape[1:]), kind)})
        assert found.shape == (0, *session.get_outputs()[0].shape[1:]), found.shape
print("done")
"""
"""In a process of its own: what ONNX Runtime does wrong with an empty batch ends the process."""
BODIES = {
    "language": "input 6; embed 9 8; position 8; repeat 3 { residual { attention 2 causal=true via monarch } }; linear 9",
    "blocks": "input [6, 32]; attention 4 via butterfly(radix=2); transpose; linear 4 via random(2); transpose",
    "unstructured": "input [6, 16]; attention 2 via random(3); attention 2 causal=true via band(2)",
}


def network(body: str) -> nfc.Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ {body} }}\n")).network


def test_token_ids_are_int64_and_the_output_is_float32() -> None:
    model = onnx.load_from_string(network(BODIES["language"]).onnx())
    onnx.checker.check_model(model, full_check=True)
    (ids,), (output,) = model.graph.input, model.graph.output
    assert ids.type.tensor_type.elem_type == onnx.TensorProto.INT64
    assert [axis.dim_param or axis.dim_value for axis in ids.type.tensor_type.shape.dim] == ["batch", 6]
    assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_ids_that_float32_cannot_tell_apart() -> None:
    """2^24 and 2^24 + 1 are one number in float32: ids are integers all the way, in every executor."""
    net = network(f"input 2; embed {2**24 + 2} 1")
    ids = np.array([[2**24, 2**24 + 1]])
    module = net.torch()
    with torch.no_grad():
        module.embed1.weight[-2:, 0] = torch.tensor([3.0, 5.0])
        found = module(torch.tensor(ids)).numpy()
    session = onnxruntime.InferenceSession(net.onnx(module), providers=["CPUExecutionProvider"])
    weights = {"embed1.weight": module.embed1.weight.detach().numpy()}
    interpreted = interpret(net.ir, weights, ids), run_plan(net.plan, weights, ids)
    for values in (found, *session.run(None, {"input": ids}), *interpreted):
        assert values.reshape(-1).tolist() == [3, 5]


def test_layers_share_one_mask_and_the_file_does_not_hold_it() -> None:
    graph = onnx.load_from_string(network(BODIES["language"]).onnx()).graph
    operators = [node.op_type for node in graph.node]
    assert (operators.count("Trilu"), operators.count("Softmax")) == (1, 3)
    assert not any(list(tensor.dims) == [6, 6] for tensor in graph.initializer)
    several = onnx.load_from_string(network("input [6, 8]; attention 2").onnx())
    assert "Trilu" not in [node.op_type for node in several.graph.node]


@pytest.mark.parametrize("name", BODIES)
def test_the_same_bytes_twice(name: str) -> None:
    assert network(BODIES[name]).onnx(seed=3) == network(BODIES[name]).onnx(seed=3)


@pytest.mark.parametrize("name", BODIES)
def test_half_precision_halves_tables_and_stays_close(name: str) -> None:
    net = network(BODIES[name])
    model = net.onnx(dtype="float16")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    value = input_values(net.ir, 3)
    expected = interpret(net.ir, initial_weights(net.ir, 0), value)
    (found,) = session.run(None, {"input": value})
    assert np.abs(found - expected).max() <= 5e-3 * np.abs(expected).max()
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load_from_string(model).graph.initializer}
    if name == "language":
        assert kinds["embed1.weight"] == kinds["position1.weight"] == onnx.TensorProto.FLOAT16


def test_weights_of_a_module_reach_the_file() -> None:
    net = network(BODIES["language"])
    module = net.torch(seed=7).eval()
    session = onnxruntime.InferenceSession(net.onnx(module), providers=["CPUExecutionProvider"])
    value = input_values(net.ir, 3)
    (found,) = session.run(None, {"input": value})
    np.testing.assert_allclose(found, interpret(net.ir, initial_weights(net.ir, 7), value), atol=1e-5)


def test_an_empty_batch_runs(tmp_path: Path) -> None:
    for name, body in BODIES.items():
        for batch in (1, 64):
            (tmp_path / f"{name}_{batch}.onnx").write_bytes(network(body).onnx(batch=batch))
            (tmp_path / f"{name}_{batch}_dense.onnx").write_bytes(
                network(body).onnx(batch=batch, sparse="dense")
            )
    run = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["done"]
