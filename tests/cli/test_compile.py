import importlib.util
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from tests.documents import nfc


def module_at(path: str) -> object:
    specification = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def written(before: set[Path]) -> set[str]:
    return {path.name for path in set(Path().iterdir()) - before}


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("good.nf --to torch", {"good.py"}),
        ("good.nf --to onnx", {"good.onnx"}),
        ("good.nf --to torch -o other.py", {"other.py"}),
        ("several.nf --to onnx --network two", {"two.onnx"}),
        ("unstructured.nf --to torch", {"scattered.py", "scattered.index.safetensors"}),
        ("unstructured.nf --to torch -o net.py", {"net.py", "scattered.index.safetensors"}),
        ("wrong.nf --to torch", set()),
        ("failing.nf --to torch --check", set()),
        ("failing.nf --to torch", {"failing.py"}),
    ],
)
def test_where_files_are_written(command: str, names: set[str]) -> None:
    before = set(Path().iterdir())
    nfc(["compile", *command.split()])
    assert written(before) == names


def test_what_was_written_is_told_with_sizes_and_the_dense_twin() -> None:
    done = nfc(["compile", "unstructured.nf", "--to", "torch", "--format", "json"])
    document = json.loads(done.out)
    assert {each["path"]: each["bytes"] for each in document["files"]} == {
        name: Path(name).stat().st_size for name in ("scattered.py", "scattered.index.safetensors")
    }
    assert document["dense_params"] == 40 * 40 + 40
    assert document["params"] < 500
    shown = nfc(["compile", "unstructured.nf", "--to", "torch"]).out
    assert f"{document['params']:,} parameters" in shown
    assert "1,640" in shown


def test_the_index_and_the_module_are_written_together_or_not_at_all() -> None:
    Path("scattered.index.safetensors").mkdir()
    done = nfc(["compile", "unstructured.nf", "--to", "torch"])
    assert done.code == 1
    assert "NF750" in done.err
    assert not Path("scattered.py").exists()


def test_a_failure_puts_back_what_was_there() -> None:
    Path("scattered.py").write_text("kept", "utf-8")
    Path("scattered.index.safetensors").mkdir()
    assert nfc(["compile", "unstructured.nf", "--to", "torch"]).code == 1
    assert Path("scattered.py").read_text("utf-8") == "kept"


@pytest.mark.parametrize("name", ["good", "unstructured"])
def test_trained_weights_go_into_the_onnx_file(name: str) -> None:
    network, class_name = ("good", "Good") if name == "good" else ("scattered", "Scattered")
    assert nfc(["compile", f"{name}.nf", "--to", "torch"]).code == 0
    model = getattr(module_at(f"{network}.py"), class_name)(seed=7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(0.01)
    save_file(model.state_dict(), "trained.safetensors")
    done = nfc(["compile", f"{name}.nf", "--to", "onnx", "--weights", "trained.safetensors"])
    assert done.code == 0, done.shown
    x = torch.randn(5, *((4,) if name == "good" else (40,)), generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(f"{network}.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        session.run(None, {"input": x.numpy()})[0], model.eval()(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_the_seed_draws_the_weights_that_the_torch_module_draws() -> None:
    nfc(["compile", "good.nf", "--to", "torch"])
    nfc(["compile", "good.nf", "--to", "onnx", "--seed", "5"])
    model = module_at("good.py").Good(seed=5).eval()  # type: ignore[attr-defined]
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession("good.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        session.run(None, {"input": x.numpy()})[0], model(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_weights_of_another_topology_are_refused() -> None:
    nfc(["compile", "good.nf", "--to", "torch"])
    save_file(module_at("good.py").Good().state_dict(), "good.safetensors")  # type: ignore[attr-defined]
    done = nfc(["compile", "failing.nf", "--to", "onnx", "--weights", "good.safetensors"])
    assert done.code == 1
    assert "error[NF7" in done.err
    assert not Path("failing.onnx").exists()


@pytest.mark.parametrize("form", ["delta", "constant", "initializer", "dense"])
def test_every_sparse_form_is_read_by_the_runtime(form: str) -> None:
    assert nfc(["compile", "unstructured.nf", "--to", "onnx", "--sparse", form]).code == 0
    session = onnxruntime.InferenceSession("scattered.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {"input": np.zeros((2, 40), np.float32)})[0].shape == (2, 40)


def test_the_index_file_does_not_overwrite_the_module() -> None:
    text = "nf 1\nnetwork m { input 8; linear 8 via random(fan_in=2) }"
    assert nfc(["compile", "-", "--to", "torch", "-o", "m.index.safetensors"], text).code == 2
    assert not Path("m.index.safetensors").exists()


def test_standard_output_is_no_file() -> None:
    text = "nf 1\nnetwork m { input 8; linear 8 }"
    assert nfc(["compile", "-", "--to", "torch", "-o", "-"], text).code == 2
    assert not Path("-").exists()


def test_the_seed_is_the_module_s_default() -> None:
    text = "nf 1\nnetwork m { input 8; linear 8 via butterfly }"
    assert nfc(["compile", "-", "--to", "torch", "--seed", "7"], text).code == 0
    module = module_at(Path("m.py")).M
    assert torch.equal(module().linear1.fabric[0].weight, module(7).linear1.fabric[0].weight)
    assert not torch.equal(module().linear1.fabric[0].weight, module(0).linear1.fabric[0].weight)
