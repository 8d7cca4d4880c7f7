"""Networks on [C, H, W] as ONNX files: valid, the same bytes each time, of any batch, in every form of storage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import nfc
from nfc.backends.onnx_graph import Options, emit_chunks, emit_onnx
from nfc.diagnostics import Sink
from nfc.ir.interpreter import interpret
from nfc.ir.network import Network
from nfc.lowering import lower
from nfc.source import Source
from tests.agreement.executors import runtime_runner, trained_like
from tests.build import random_values

CORPUS = Path(__file__).parents[1] / "corpus"
NETWORKS = {
    name: net.ir
    for stem in ("convolutions", "images")
    for name, net in nfc.load(CORPUS / f"{stem}.nf").networks.items()
}


def conv_network(via: str) -> Network:
    text = f"nf 1\nnetwork n {{ input [40, 6, 5]; conv 48 stride=2 via {via} }}"
    return nfc.load(Source("n.nf", text)).network.ir


@pytest.mark.parametrize("sparse", ["delta", "constant", "dense"])
@pytest.mark.parametrize("name", NETWORKS)
def test_files_pass_the_checker_are_the_same_each_time_and_take_an_empty_batch(
    name: str, sparse: str
) -> None:
    net = NETWORKS[name]
    weights = trained_like(net)
    models = [emit_onnx(lower(net), weights, sparse=sparse, sink=Sink()) for _ in range(2)]
    assert models[0] == models[1]
    onnx.checker.check_model(onnx.load_from_string(models[0]), full_check=True)
    for optimise in (False, True):
        run = runtime_runner(models[0], optimise=optimise)
        assert run(np.zeros((0, *net.input), np.float32)).shape == (0, *net.output)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_as_float16_are_weights_rounded(name: str) -> None:
    net = NETWORKS[name]
    weights, x = trained_like(net), random_values((2, *net.input))
    half = emit_onnx(lower(net), weights, dtype="float16", sink=Sink())
    factors = {
        n: a.astype(np.float16).astype(np.float32) for n, a in weights.items() if a.ndim > 1 or "fabric" in n
    }
    full = emit_onnx(lower(net), weights | factors, sink=Sink())
    assert len(half) < len(full)
    found = runtime_runner(half, optimise=True)(x)
    np.testing.assert_allclose(found, runtime_runner(full, optimise=True)(x), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "via",
    [
        "random(fan_in=3)",
        "bernoulli(density=15%, seed=1)",
        "random(fan_in=2) >> bernoulli(density=15%, seed=2)",
    ],
)
def test_past_the_limit_of_dense_weights_channels_are_gathered(via: str) -> None:
    net = conv_network(via)
    weights, x = trained_like(net), random_values((3, *net.input))
    model = b"".join(emit_chunks(lower(net), weights, Options(dense_limit=0), Sink()))
    kinds = {node.op_type for node in onnx.load_from_string(model).graph.node}
    assert "Gather" in kinds
    assert "ScatterElements" not in kinds
    np.testing.assert_allclose(runtime_runner(model, optimise=True)(x), interpret(net, weights, x), atol=1e-5)


def test_structured_channels_need_no_indices() -> None:
    """A butterfly is grouped convolutions with transposes between them."""
    net = conv_network("dense(width=32) >> butterfly")
    model = onnx.load_from_string(emit_onnx(lower(net), trained_like(net), sink=Sink()))
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Conv") == 7
    assert not {"Gather", "ScatterElements", "Scatter", "Einsum"} & set(kinds)
