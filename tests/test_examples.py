"""The examples hold what their documents say, and the demo runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from nfc import load
from tests.build import input_values
from tests.documents import ROOT, nfc

EXAMPLES = sorted((ROOT / "examples").glob("*.nf"))
TWINS = sorted((ROOT / "examples" / "dense").glob("*.nf"))
TRAINED = ("mlp", "resnet", "mobilenet", "mixer", "vit", "gpt")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples"))


@pytest.mark.parametrize("path", EXAMPLES + TWINS, ids=name_of)
def test_every_example_is_well(path: Path) -> None:
    done = nfc(["check", str(path)])
    assert (done.code, done.err) == (0, "")
    assert "assertions hold" in done.out


@pytest.mark.parametrize("path", EXAMPLES + TWINS, ids=name_of)
def test_every_example_computes_the_same_in_both_runtimes(path: Path) -> None:
    for network in load(path).networks.values():
        values = input_values(network.ir, 2)
        with torch.inference_mode():
            expected = network.torch(seed=1).eval()(torch.from_numpy(values)).numpy()
        session = onnxruntime.InferenceSession(network.onnx(seed=1), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"input": values})
        assert found.shape == expected.shape == (2, *network.output)
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("path", EXAMPLES + TWINS, ids=name_of)
def test_every_example_is_laid_out(path: Path) -> None:
    assert nfc(["fmt", "--check", str(path)]).code == 0


def test_every_trained_example_has_a_twin() -> None:
    assert {path.stem for path in TWINS} == set(TRAINED) <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", TWINS, ids=name_of)
def test_a_twin_has_the_same_layers_and_more_weights(path: Path) -> None:
    sparse, dense = (show(each) for each in (ROOT / "examples" / path.name, path))
    assert [shape(layer) for layer in sparse["layers"]] == [shape(layer) for layer in dense["layers"]]
    assert (sparse["input"], sparse["output"]) == (dense["input"], dense["output"])
    assert {layer["density"] for layer in dense["layers"] if layer["op"] != "depthwise"} == {1.0}
    assert sparse["params"] < dense["params"] * 0.41


def show(path: Path) -> dict[str, Any]:
    (network,) = json.loads(nfc(["show", str(path), "--format", "json"]).out)["networks"]
    described: dict[str, Any] = network
    return described


def shape(layer: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(layer[key] for key in ("name", "op", "rows", "cols", "windows"))


def test_an_example_goes_all_the_way(tmp_path: Path) -> None:
    """The script itself fails where outputs are further apart than its tolerance."""
    script = str(ROOT / "examples" / "run_all.py")
    command = [sys.executable, script, "mlp", "--steps", "2", "--build", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "49,674" in done.stdout
    assert (tmp_path / "mlp" / "mlp.onnx").exists()


def test_the_digits_are_as_their_document_says() -> None:
    path = ROOT / "examples" / "data" / "mnist_subset.npz"
    assert path.stat().st_size < 3_000_000
    with np.load(path, allow_pickle=False) as data:
        for part, count in (("train", 12_000), ("test", 3_000)):
            images, labels = data[f"{part}_images"], data[f"{part}_labels"]
            assert (images.shape, images.dtype) == ((count, 28, 28), np.uint8)
            assert np.bincount(labels).tolist() == [count // 10] * 10
            assert images.max() == 255


def test_the_demo_trains_and_both_runtimes_agree(tmp_path: Path) -> None:
    """The demo itself fails where accuracies differ or outputs are further apart than its tolerance."""
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--build", str(tmp_path)]
    small = ["--epochs", "1", "--train", "2000", "--test", "500"]
    done = subprocess.run([*command, *small], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (accuracy,) = [line for line in done.stdout.splitlines() if "accuracy, torch" in line]
    shares = [float(word.rstrip("%")) for word in accuracy.split() if word.endswith("%")]
    assert min(shares) > 50
    assert (tmp_path / "mnist.onnx").stat().st_size < (tmp_path / "mnist_dense.onnx").stat().st_size / 7
