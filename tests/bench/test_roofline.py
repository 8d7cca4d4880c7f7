from __future__ import annotations

import numpy as np
import pytest

from nfc.bench import roofline
from nfc.bench.roofline import Peak, Work, layer_work, least_seconds, measure_peak, network_work
from nfc.bench.runtimes import FORWARD, RUNTIMES, TRAINING
from nfc.ir.factors import Kron
from tests.build import butterfly, linear, network


def test_a_dense_layer_by_hand() -> None:
    layer = linear("head", Kron(1, 5, 3, 1))
    weights, inputs, outputs = 4 * (5 * 3 + 5), 4 * 7 * 3, 4 * 7 * 5
    assert layer_work(layer, 7, FORWARD) == Work(2 * 7 * 15, weights + inputs + outputs)
    assert layer_work(layer, 7, TRAINING) == Work(6 * 7 * 15, 3 * weights + 3 * inputs + 2 * outputs)


def test_a_cascade_counts_each_factor_s_edges_and_nothing_between_them() -> None:
    layer = linear("mix", butterfly(8), bias=False)
    assert layer_work(layer, 2, FORWARD) == Work(2 * 2 * 3 * 16, 4 * (3 * 16 + 2 * 8 + 2 * 8))


def test_leading_axes_count_as_batch() -> None:
    one, many = linear("a", butterfly(8)), linear("a", butterfly(8), leading=(6,))
    assert layer_work(many, 2, TRAINING) == layer_work(one, 12, TRAINING)


def test_the_slower_of_arithmetic_and_traffic_decides_for_each_layer() -> None:
    peak = Peak(flops=10.0, bandwidth=4.0)
    assert least_seconds([Work(50, 4), Work(10, 40)], peak) == 5.0 + 10.0
    assert least_seconds([], peak) == 0.0


def test_a_network_s_layers_are_summed() -> None:
    body = (linear("a", Kron(1, 5, 3, 1)), linear("b", Kron(1, 2, 5, 1)))
    assert network_work(network("net", body), 4) == [layer_work(layer, 4) for layer in body]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_peak_is_that_of_real_products_and_copies(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "MATRIX", 64)
    monkeypatch.setattr(roofline, "COPIED", 1001)
    peak = measure_peak([make(threads) for make in RUNTIMES.values()], threads, 0.001)
    assert peak.flops > 0
    assert peak.bandwidth > 0


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_product_is_one_of_matrices_of_ones(name: str) -> None:
    found = RUNTIMES[name](1).matmul(5)()
    assert np.array_equal(np.asarray(found).reshape(5, 5), np.full((5, 5), 5.0))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_byte_is_copied_whatever_the_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[np.ndarray] = []

    def zeros(size: int, dtype: type) -> np.ndarray:
        targets.append(np.full(size, 7, dtype))
        return targets[-1]

    monkeypatch.setattr(np, "zeros", zeros)
    roofline._copy(1003, threads)()
    assert (targets[0] == 1).all()
