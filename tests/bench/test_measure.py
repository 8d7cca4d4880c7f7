from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nfc.api import Network, load
from nfc.bench import available
from nfc.bench.available import installed_runtimes, refusal, refused
from nfc.bench.measure import Settings, measure
from nfc.bench.prediction import predicted_ratio
from nfc.bench.roofline import Peak, network_work
from nfc.bench.runtimes import FORWARD, RUNTIMES, TRAINING, OnnxRuntime, TorchRuntime
from nfc.bench.twin import dense_twin
from nfc.diagnostics import NfcError
from nfc.lowering.cost import estimate
from nfc.lowering.plan import Product
from nfc.lowering.target import Target
from nfc.source import Source

TEXT = """nf 1
network small {
    input [3, 16]
    linear 16 via butterfly(radix=4)
    dropout 50%
    flatten
    norm batch
    head: linear 5 via random(fan_in=4)
}
"""


@pytest.fixture(scope="module")
def small() -> Network:
    return load(Source("small.nf", TEXT)).network


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((6, 3, 16), np.float32)


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_result_for_every_batch_and_mode(name: str, small: Network) -> None:
    before = torch.get_num_threads()
    runtime = RUNTIMES[name](1)
    settings = Settings(batches=(2, 5), seconds=1e-9, seed=3)
    results = list(measure(small, runtime, settings, Peak(flops=1e9, bandwidth=1e9)))
    assert [(each.batch, each.mode) for each in results] == [
        (batch, mode) for batch in (2, 5) for mode in runtime.modes
    ]
    for each in results:
        assert (each.network, each.runtime, each.threads) == ("small", name, 1)
        assert each.ratio == each.sparse.timing.median / each.dense.timing.median > 0
        assert each.sparse.timing.q1 <= each.sparse.timing.median <= each.sparse.timing.q3
        assert each.sparse.flops < each.dense.flops
        assert each.sparse.flops == sum(w.flops for w in network_work(small.ir, each.batch, each.mode))
        assert each.dense.share == pytest.approx(each.dense.least / each.dense.timing.median)
        assert each.predicted is not None
        assert each.predicted > 0
    assert torch.get_num_threads() == before


def test_a_forward_step_in_torch_is_the_module_s_at_inference(small: Network, values: np.ndarray) -> None:
    runtime = TorchRuntime(1)
    found: Any = runtime.call(runtime.compile(small, 3, 6), FORWARD, values)()
    assert torch.equal(found, small.torch(3).eval()(torch.from_numpy(values)))


def test_a_training_step_in_torch_gives_all_gradients(values: np.ndarray) -> None:
    network = load(Source("small.nf", TEXT.replace("dropout 50%", "relu"))).network
    runtime = TorchRuntime(1)
    module = runtime.compile(network, 3, 6)
    found: Any = runtime.call(module, TRAINING, values)()
    again, inputs = network.torch(3), torch.from_numpy(values).requires_grad_()
    again(inputs).sum().backward()
    expected = [inputs.grad, *(parameter.grad for parameter in again.parameters())]
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_a_training_step_trains(small: Network, values: np.ndarray) -> None:
    runtime = TorchRuntime(1)
    module = runtime.compile(small, 3, 6)
    step = runtime.call(module, TRAINING, values)
    before = module.state_dict()["norm1.running_mean"].clone()
    step()
    assert not torch.equal(before, module.state_dict()["norm1.running_mean"])


def test_onnx_runtime_runs_the_file(small: Network, values: np.ndarray) -> None:
    runtime = OnnxRuntime(1)
    results: Any = runtime.call(runtime.compile(small, 3, 6), FORWARD, values)()
    expected = small.torch(3).eval()(torch.from_numpy(values)).detach().numpy()
    np.testing.assert_allclose(results[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", RUNTIMES)
def test_kernels_are_chosen_for_each_batch(
    name: str, small: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, batches = RUNTIMES[name](1), []
    compile_for = runtime.compile

    def recorded(network: Network, seed: int, batch: int) -> Any:
        batches.append(batch)
        return compile_for(network, seed, batch)

    monkeypatch.setattr(runtime, "compile", recorded)
    list(measure(small, runtime, Settings(batches=(2, 8), seconds=1e-9), Peak(1.0, 1.0)))
    assert batches == [2, 2, 8, 8], "the network and its twin for each"


@pytest.mark.parametrize("name", RUNTIMES)
def test_predictions_are_ratios_of_the_products_estimates(name: str, small: Network) -> None:
    twin = dense_twin(small)
    assert predicted_ratio(twin.plan, twin.plan, name, FORWARD, 8) == 1.0
    target = Target(runtime=name, batch=8)
    first, last = (
        [estimate(op, target).forward for op in plan.body if isinstance(op, Product)]
        for plan in (small.plan, twin.plan)
    )
    found = predicted_ratio(small.plan, twin.plan, name, FORWARD, 8)
    assert (len(first), len(last)) == (2, 2)
    assert found == pytest.approx(sum(first) / sum(last))


def test_a_prediction_for_training_counts_the_backward_pass(small: Network) -> None:
    twin = dense_twin(small)
    forward = predicted_ratio(small.plan, twin.plan, "torch", FORWARD, 8)
    assert predicted_ratio(small.plan, twin.plan, "torch", TRAINING, 8) != forward


def test_nothing_is_predicted_of_a_network_without_layers() -> None:
    network = load(Source("empty.nf", "nf 1\nnetwork n { input 4; relu }")).network
    assert predicted_ratio(network.plan, network.plan, "torch", TRAINING, 8) is None
    (forward, _) = measure(network, TorchRuntime(1), Settings(seconds=1e-9), Peak(1.0, 1.0))
    assert (forward.sparse.share, forward.predicted) == (0.0, None)


def test_what_is_installed_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [each.name for each in installed_runtimes((), 2)] == ["torch", "onnxruntime"]
    assert [each.name for each in installed_runtimes(("onnxruntime",), 2)] == ["onnxruntime"]
    monkeypatch.setattr(available, "is_installed", lambda name: name == "onnxruntime")
    assert [each.name for each in installed_runtimes((), 2)] == ["onnxruntime"]
    with pytest.raises(NfcError) as failed:
        installed_runtimes(("torch", "onnxruntime"), 2)
    (diagnostic,) = failed.value.diagnostics
    assert (diagnostic.code, "torch" in diagnostic.message) == ("NF630", True)
    assert "neurofabric[torch]" in diagnostic.hints[0]


def test_without_any_runtime_nothing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "is_installed", lambda name: False)
    with pytest.raises(NfcError) as failed:
        installed_runtimes((), 1)
    assert [each.code for each in failed.value.diagnostics] == ["NF630", "NF630"]


def test_twins_that_do_not_fit_are_refused(small: Network) -> None:
    wide = load(Source("wide.nf", "nf 1\nnetwork wide { input 2**20; linear 2**20 via butterfly }")).network
    large = load(
        Source("large.nf", "nf 1\nnetwork l { input 2**14; linear 2**15 via bernoulli(.001%) }")
    ).network
    assert refusal(small, "torch", 64) is None
    assert "16,384.0 GiB" in (refusal(wide, "torch", 1) or "")
    assert refusal(large, "torch", 1) is None
    assert "2 GiB" in (refusal(large, "onnxruntime", 1) or "")
    assert refused(wide, ["torch", "onnxruntime"], "so").message == (
        "`wide` cannot be timed in torch or onnxruntime: so"
    )
