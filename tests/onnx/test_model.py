"""The file as a whole: versions, names, metadata, determinism, options."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from nfc.backends.onnx_graph import emit_onnx
from nfc.backends.onnx_graph.options import DTYPES, OPSETS, SPARSE_FORMS
from nfc.diagnostics import NfcError, Sink
from nfc.ir.network import ACTIVATIONS, NORMS, Activation, Crop, Network, Norm, Pad, Reshape, Residual
from nfc.version import VERSION
from tests.build import FABRICS, butterfly, linear, network
from tests.onnx.plans import plan_of, weights_of
from tests.onnx.running import agree, check_model, compiled, session
from tests.onnx.test_kernels import FORMS, LARGER


def everything() -> Network:
    """A network with every operation that becomes a node and kernels of every kind."""
    shape = (3, 8)
    ops = [
        *(Activation(path=f"{name}1", input=shape, output=shape, function=name) for name in ACTIVATIONS),
        *(
            Norm(path=f"norm{number}", input=shape, output=shape, norm=norm)
            for number, norm in enumerate(NORMS)
        ),
        linear("blocks1", FABRICS["sum"], leading=(3,)),
        Pad(path="pad1", input=(3, 8), output=(3, 30)),
        Reshape(path="flatten1", input=(3, 30), output=(90,)),
        Crop(path="crop1", input=(90,), output=(70,)),
        linear("sparse1", LARGER["edges"]),
        Pad(path="pad2", input=(90,), output=(200,)),
        linear("head", LARGER["fan_in"]),
        Residual(path="residual1", input=(40,), output=(40,), body=()),
    ]
    return network("everything", tuple(ops))


def test_border_versions_and_producer() -> None:
    proto = onnx.load_from_string(compiled(everything()))
    assert [(each.domain, each.version) for each in proto.opset_import] == [("", 18)]
    assert (proto.ir_version, proto.producer_name, proto.producer_version) == (10, "nfc", VERSION)
    for value, name, shape in ((proto.graph.input, "input", (3, 8)), (proto.graph.output, "output", (40,))):
        (border,) = value
        dims = [each.dim_param or each.dim_value for each in border.type.tensor_type.shape.dim]
        assert (border.name, dims) == (name, ["batch", *shape])
        assert border.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_metadata_is_sorted_and_readable_at_run_time() -> None:
    net = everything()
    model = compiled(net)
    keys = [each.key for each in onnx.load_from_string(model).metadata_props]
    assert keys == sorted(keys)
    found = session(model, optimise=True).get_modelmeta().custom_metadata_map
    assert found == {
        "nfc.batch": "64",
        "nfc.network": "everything",
        "nfc.source": net.source_name,
        "nfc.source_digest": net.source_digest,
        "nfc.topology_digest": plan_of(net).topology_digest,
        "nfc.version": VERSION,
    }


def test_shape_inference_knows_every_rank() -> None:
    inferred = onnx.shape_inference.infer_shapes(
        onnx.load_from_string(compiled(everything())), strict_mode=True
    )
    known = {each.name: len(each.type.tensor_type.shape.dim) for each in inferred.graph.value_info}
    assert known["relu1"] == 3
    assert known["head"] == 2


def test_names_come_from_the_paths() -> None:
    proto = onnx.load_from_string(compiled(everything()))
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    assert {"relu1", "blocks1", "sparse1", "head", "residual1"} <= set(names)
    inner = {name.partition("/")[0] for name in names}
    assert inner <= {
        "blocks1",
        "sparse1",
        "sparse1.weight",
        "head",
        "head.weight",
        *(op.path for op in everything().body),
    }
    tensors = {tensor.name for tensor in proto.graph.initializer}
    assert {"blocks1.fabric.0.0.weight", "blocks1.bias", "norm0.running_mean", "head.weight/gaps"} <= tensors


@pytest.mark.parametrize("form", FORMS)
def test_bytes_are_as_protobuf_writes_them(form: str) -> None:
    model = compiled(everything(), sparse=form)
    assert onnx.load_from_string(model).SerializeToString(deterministic=True) == model


DIGEST = """
from hashlib import sha256
from tests.onnx.running import compiled
from tests.onnx.test_model import everything
for form in ("delta", "constant", "initializer", "dense"):
    print(sha256(compiled(everything(), sparse=form)).hexdigest())
"""


def test_two_processes_write_the_same_bytes() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        for seed in ("1", "271828")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.split()[0] == sha256(compiled(everything())).hexdigest()


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_that_is_offered_runs(opset: int) -> None:
    net = everything()
    weights = weights_of(net)
    model = compiled(net, weights, opset=opset)
    check_model(model)
    agree(net, weights, model, 1e-5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"opset": 17}, "opset 17"),
        ({"opset": 27}, "opset 27"),
        ({"sparse": "dleta"}, "`dleta`"),
        ({"dtype": "bfloat16"}, "`bfloat16`"),
        ({"batch": 0}, "found 0"),
    ],
)
def test_options_that_are_not_offered(options: dict[str, object], named: str) -> None:
    net, sink = network("n", (linear("linear1", butterfly(4)),)), Sink()
    with pytest.raises(NfcError) as error:
        emit_onnx(plan_of(net), weights_of(net), sink=sink, **options)
    (found,) = error.value.diagnostics
    assert found.code == "NF620"
    assert named in found.message
    assert not sink.diagnostics


def test_did_you_mean() -> None:
    net = network("n", (linear("linear1", butterfly(4)),))
    with pytest.raises(NfcError) as error:
        emit_onnx(plan_of(net), weights_of(net), sparse="initialiser", sink=Sink())
    assert error.value.diagnostics[0].hints == ("did you mean `initializer`?",)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", SPARSE_FORMS)
def test_the_public_function(form: str, dtype: str) -> None:
    net = network("n", (linear("linear1", butterfly(8)),))
    model = emit_onnx(plan_of(net), weights_of(net), sparse=form, dtype=dtype, sink=Sink())
    (found,) = session(model, optimise=True).run(None, {"input": np.ones((2, 8), np.float32)})
    assert found.shape == (2, 8)


def test_optimised_monarchs_copy_nothing_between_products(tmp_path: Path) -> None:
    """ONNX Runtime takes the transpose between two stages into the product (its `transBatchB`)."""
    model = compiled(network("n", (linear("linear1", butterfly(64, 8), bias=False),)))
    assert [node.op_type for node in optimised(model, tmp_path).graph.node] == [
        *("Transpose", "Reshape", "MatMul", "FusedMatMul"),
        *("Transpose", "Reshape", "Transpose"),
    ]


def test_optimised_networks_copy_nothing_between_layers(tmp_path: Path) -> None:
    ops = []
    for number in range(3):
        ops.append(linear(f"linear{number}", butterfly(64, 8)))
        ops.append(Activation(path=f"relu{number}", input=(64,), output=(64,), function="relu"))
    found = [node.op_type for node in optimised(compiled(network("n", tuple(ops))), tmp_path).graph.node]
    layer = ["FusedMatMul", "FusedMatMul", "Add", "Relu"]
    first = ["Transpose", "Reshape", "MatMul", *layer[1:]]
    assert found == [*first, *layer, *layer, "Transpose", "Reshape", "Transpose"]


def test_optimised_networks_for_one_sample_are_convolutions(tmp_path: Path) -> None:
    relu = Activation(path="relu1", input=(64,), output=(64,), function="relu")
    model = compiled(network("n", (linear("linear1", butterfly(64, 8)), relu)), batch=1)
    found = [node.op_type for node in optimised(model, tmp_path).graph.node if node.op_type != "Reshape"]
    assert found == ["Conv", "Transpose", "FusedConv", "Transpose"]


def test_decoding_is_folded_at_load(tmp_path: Path) -> None:
    model = compiled(network("n", (linear("linear1", LARGER["edges"]),)))
    assert [node.op_type for node in optimised(model, tmp_path).graph.node] == ["Gemm"]


def optimised(model: bytes, folder: Path) -> onnx.ModelProto:
    path = folder / "optimised.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return onnx.load(path)
