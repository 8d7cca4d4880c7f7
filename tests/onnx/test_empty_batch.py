"""No model may fail on an empty batch, where fused products of ONNX Runtime up to 1.31 end the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx

from nfc.ir.factors import Kron
from nfc.ir.network import ACTIVATIONS, NORMS, Activation, Crop, Network, Norm, Pad, Reshape, Residual
from tests.build import FABRICS, butterfly, linear, network
from tests.onnx.plans import in_clusters, in_pairs, with_kernels
from tests.onnx.running import compiled
from tests.onnx.test_kernels import LARGER, STRUCTURED

RUN = """
import sys
from pathlib import Path
import numpy as np
import onnxruntime
for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    print(path.stem, flush=True)
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape[1:]
        (found,) = session.run(None, {"input": np.zeros((0, *shape), np.float32)})
        assert found.shape == (0, *session.get_outputs()[0].shape[1:]), found.shape
print("done")
"""


def networks() -> Iterator[tuple[str, Network]]:
    fabrics = {**FABRICS, **LARGER, **STRUCTURED}
    for name, fabric in fabrics.items():
        yield f"fabric_{name}", network("n", (linear("linear1", fabric),))
        yield f"leading_{name}", network("n", (linear("linear1", fabric, leading=(2, 3), bias=False),))
    for function in ACTIVATIONS:
        yield function, network("n", (Activation(path="a1", input=(3, 4), output=(3, 4), function=function),))
    for norm in NORMS:
        yield f"norm_{norm}", network("n", (Norm(path="norm1", input=(3, 4), output=(3, 4), norm=norm),))
    yield (
        "reshaped",
        network(
            "n",
            (
                Pad(path="pad1", input=(3, 4), output=(3, 6)),
                Reshape(path="flatten1", input=(3, 6), output=(18,)),
                Crop(path="crop1", input=(18,), output=(16,)),
            ),
        ),
    )
    yield "whole_blocks", network("n", (linear("linear1", butterfly(1024, 32)),))
    yield "whole_blocks_of_tokens", network("n", (linear("linear1", Kron(3, 4, 32, 1), leading=(2, 3)),))
    for norm in NORMS:
        yield f"between_{norm}", network("n", tuple(around(norm)))
    yield "neighbours_in_a_chain", network("n", tuple(chain_of_layers()))


def around(norm: str) -> Iterator[object]:
    """A norm and a softmax between structured layers."""
    yield linear("linear1", butterfly(16))
    yield Norm(path="norm1", input=(16,), output=(16,), norm=norm)
    yield linear("linear2", butterfly(16, 4))
    yield Activation(path="softmax1", input=(16,), output=(16,), function="softmax")
    yield linear("linear3", butterfly(16, 4))


def chain_of_layers() -> Iterator[object]:
    """Layers back to back, with and without what lies between, so that their transposes meet."""
    dense, monarch = Kron(1, 16, 16, 1), butterfly(16, 4)
    for number, fabric in enumerate((dense, monarch, monarch, dense, butterfly(16), Kron(4, 4, 4, 1))):
        yield linear(f"linear{number}", fabric, bias=number % 2 == 0)
    relu = Activation(path="residual1.relu1", input=(16,), output=(16,), function="relu")
    body = (linear("residual1.linear1", monarch, bias=False), relu)
    yield Residual(path="residual1", input=(16,), output=(16,), body=body)


def models() -> Iterator[tuple[str, bytes]]:
    """Every network, for many samples and for one, with the kernels that stand in it and with others."""
    for name, net in networks():
        yield name, compiled(net)
        yield f"{name}_single", compiled(net, batch=1, optimised=True)
        yield f"{name}_fused", compiled(net, choose=with_kernels(in_pairs), optimised=True)
        yield f"{name}_clustered", compiled(net, choose=with_kernels(in_clusters(4)), optimised=True)


def test_every_model_runs_an_empty_batch(tmp_path: Path) -> None:
    for number, (name, model) in enumerate(models()):
        (tmp_path / f"{number:03}_{name}.onnx").write_bytes(model)
    run = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True)
    lines = run.stdout.split()
    assert run.returncode == 0, (lines[-1:], run.stderr)
    assert lines[-1] == "done"


def test_no_transpose_moves_the_batch_into_a_batched_product() -> None:
    """What those versions fuse into `FusedMatMul` and divide by: the size of an axis that is moved to a matrix.

    The batch stays last, or stays in the matrix; then no other transpose lies before that one.
    """
    kept = turned = 0
    for name, model in models():
        graph = onnx.load_from_string(model).graph
        makers = {node.output[0]: node for node in graph.node}
        read = {value for node in graph.node if node.op_type == "MatMul" for value in node.input}
        for node in graph.node:
            if node.op_type != "Transpose" or node.output[0] not in read or len(node.attribute[0].ints) == 2:
                continue
            permutation = list(node.attribute[0].ints)
            if permutation == [0, 2, 1]:
                turned += 1
                assert makers[node.input[0]].op_type == "Reshape", (name, node.name)
            else:
                kept += 1
                assert permutation[-1] == len(permutation) - 1, (name, node.name)
    assert kept
    assert turned
