import json
import re
from math import prod

import pytest
from syrupy.assertion import SnapshotAssertion

from nfc.render.networks import render_networks
from tests.cli.test_startup import imported
from tests.documents import ROOT, nfc


@pytest.mark.parametrize("name", ["good", "several", "unstructured", "mnist", "empty"])
def test_text(name: str, snapshot: SnapshotAssertion) -> None:
    done = nfc(["show", f"{name}.nf"])
    assert done.code == 0
    # predictions change with every calibration
    assert re.sub(r" +[\d.]+ ×(?=$|\))", " N ×", done.out, flags=re.MULTILINE) == snapshot


def test_json_agrees_with_closed_forms() -> None:
    (network,) = json.loads(nfc(["show", "mnist.nf", "--format", "json"]).out)["networks"]
    layer, _, head = network["layers"]
    stages = 2 * 2
    assert layer["edges"] == stages * 1024 * 32
    assert network["params"] == 2 * (layer["edges"] + 1024) + 1024 * 10 + 10
    assert network["flops"] == 2 * network["edges"]
    assert layer["paths"] == {"min": 2, "max": 2, "mean": 2.0, "cv": 0.0}
    assert (layer["connected"], layer["reach"]) == (True, 1.0)
    assert [factor["fan_in"] for factor in layer["factors"]] == [
        {"min": 32, "max": 32, "mean": 32.0}
    ] * stages
    assert layer["fan_out"] == {"min": 32, "max": 64, "mean": 2 * 32 * stages / 6}
    assert (head["topology"], head["density"], head["kernel"]) == ("dense", 1.0, "dense")
    assert head["speedup"] == pytest.approx(1)


def test_orthogonal_weights_have_the_spread_that_they_are_drawn_with() -> None:
    from nfc import load
    from nfc.source import Source

    text = "nf 1\nnetwork n { input 64; linear 64 init=orthogonal via butterfly(radix=8) }"
    program = load(Source("n.nf", text))
    done = nfc(["show", "-", "--format", "json"], text)
    init = json.loads(done.out)["networks"][0]["layers"][0]["init"]
    weights = [w for name, w in program.network.torch(seed=1).state_dict().items() if name.endswith("weight")]
    drawn = sum(float((w**2).mean()) for w in weights) / len(weights)
    assert init["std_min"] == init["std_max"] == pytest.approx(drawn**0.5, rel=1e-5)


def test_a_narrow_terminal_folds_cells_and_loses_none() -> None:
    (network,) = json.loads(nfc(["show", "mnist.nf", "--format", "json"]).out)["networks"]
    narrow = render_networks([network], 60)
    assert max(len(line) for line in narrow.splitlines()[:-2]) <= 60


def test_terminal_escapes_in_a_file_are_not_sent() -> None:
    text = 'nf 1\nnetwork n { input 4; linear 4 via permute("\x1b[31m") >> dense }'
    assert "\x1b" not in nfc(["show", "-"], text).shown
    assert "\x1b" not in nfc(["check", "-"], text).shown


def test_the_examples_show() -> None:
    for path in sorted((ROOT / "examples").glob("*.nf")):
        assert nfc(["show", str(path)]).code == 0


def test_it_says_where_a_topology_was_fitted() -> None:
    text = """nf 1
    network n { input 13; linear 11 via butterfly; linear 16; linear 16 via butterfly; linear 16 via torus + dense
    linear 20 via dense >> hypercube; repeat 2 { linear 20 via torus } }"""
    layers = json.loads(nfc(["show", "-", "--format", "json"], text).out)["networks"][0]["layers"]
    assert [layer["fitted"] for layer in layers] == [16, None, None, None, 32, 25, 25]
    assert "linear1 is fitted: built at 16" in nfc(["show", "-"], text).out


def layers(text: str, *options: str) -> list[dict]:
    return json.loads(nfc(["show", "-", "--format", "json", *options], text).out)["networks"][0]["layers"]


def kernels(text: str, *options: str) -> list[str]:
    return [layer["kernel"] for layer in layers(text, *options)]


def test_kernels_are_named_as_they_are_chosen() -> None:
    text = """nf 1
    network n { input 4096; linear 4096 via random(8); linear 4096 via diagonal; linear 4096 via band(9)
    linear 4096 via butterfly; linear 64; linear 64 via random(60) }"""
    on_torch, on_onnx = kernels(text), kernels(text, "--target", "onnx", "--batch", "1")
    assert on_torch[:3] == ["neighbours", "diagonal", "sparse"]
    assert "fused radix" in on_torch[3]
    assert on_torch[4:] == ["dense", "dense from edges"]
    assert on_onnx[2] == "clustered"


def test_the_kernels_of_a_chain_are_counted() -> None:
    text = "nf 1\nnetwork n { input 1024; linear 1024 via butterfly }"
    (named,) = kernels(text, "--target", "onnx")
    radices = []
    for run in named.split(", "):
        times, _, radix = run.rpartition("fused radix ")
        radices += [int(radix)] * int(times.removesuffix(" × ") or 1)
    assert prod(radices) == 1024


def test_the_batch_is_that_of_the_prediction() -> None:
    text = "nf 1\nnetwork n { input 4096; linear 4096 via butterfly }"
    predicted = [layers(text, "--batch", batch)[0]["speedup"] for batch in ("1", "64", "1k")]
    assert len(set(predicted)) == 3
    assert nfc(["show", "-", "--batch", "0"], text).code == 2


def test_it_says_where_dense_would_be_faster() -> None:
    text = "nf 1\nnetwork n { input 32; linear 32 via butterfly; linear 4096 via random(8); linear 32 }"
    (small, tall, dense) = layers(text)
    done = nfc(["show", "-"], text)
    assert small["speedup"] < 0.95
    assert f"linear1: dense would be faster (predicted {small['speedup']:.1f} ×)" in done.out
    assert dense["speedup"] == pytest.approx(1)
    assert "linear3: dense" not in done.out
    assert tall["speedup"] > 0


@pytest.mark.parametrize("target", ["torch", "onnx"])
def test_predicting_imports_no_runtime(target: str) -> None:
    loaded = imported("show", str(ROOT / "examples" / "mnist.nf"), "--target", target)
    assert not loaded & {"torch", "onnx", "onnxruntime"}


def test_it_says_what_a_mask_was_recognised_as() -> None:
    text = """nf 1
    mask same[o, i] = o // 8 == i // 8
    mask ring[o] = { o + d for d in -1..1 } + { 0 for d in 1..1 if o == cols - 1 } + { cols - 1 for d in 1..1 if o == 0 }
    network n { input 64; linear 64 via same; linear 64 via ring; linear 64 via block(size=8)
    linear 64 via permute("shuffle") >> same }"""
    found = layers(text)
    ends = "kron 8 × (8 × 8)", "shifts 3 over 64", None, "blocks 8 × (8 × 8), relabelled"
    assert [layer["recognised"] for layer in found] == [*ends]
    assert [layer["factors"][0]["kind"] for layer in found] == ["kron", "shifts", "kron", "blocks"]
    assert found[0]["factors"] == found[2]["factors"]
    assert found[0]["digest"] == found[2]["digest"]
    assert "linear1: same is recognised as kron 8 × (8 × 8)" in nfc(["show", "-"], text).out


DEEP = """nf 1
network deep { input 64; repeat 40 { linear 64 via random(fan_in=8); leaky_relu slope=auto }; linear 10; softmax }"""


def test_signals_at_initialisation_layer_by_layer() -> None:
    (network,) = json.loads(nfc(["show", "-", "--init", "--format", "json"], DEEP).out)["networks"]
    places = network["profile"]
    assert [place["name"] for place in places[:3]] == [
        "repeat1.0.linear1",
        "repeat1.0.leaky_relu1",
        "repeat1.1.linear1",
    ]
    first, bent, *_, head, _ = places
    assert (first["scheme"], first["slope"], bent["scheme"]) == ("balanced", None, None)
    assert first["std_min"] == network["layers"][0]["init"]["std_min"]
    assert first["forward"]["mean"] == pytest.approx(2 / (1 + bent["slope"] ** 2))
    assert head["correlation"] == pytest.approx(0.9, abs=1e-4)
    text = nfc(["show", "-", "--init"], DEEP).out
    assert f"leaky_relu slope={bent['slope']:g}" in text
    assert "deep at initialisation" in text


def test_totals_say_what_initialisation_does() -> None:
    text = "nf 1\nnetwork n { input 16; repeat 200 { linear 16; relu }; linear 4 }"
    (network,) = json.loads(nfc(["show", "-", "--format", "json"], text).out)["networks"]
    assert network["profile"] is None
    assert network["variance"] == {"forward": pytest.approx(1.0), "backward": pytest.approx(1.0)}
    done = nfc(["show", "-"], text).out
    assert "second moments × 1 forward, × 1 backward, correlation 1 − 0.000" in done
