"""No file is larger than its dense form, whatever the cost model would choose."""

from __future__ import annotations

import pytest

import nfc
from nfc.source import Source

TOPOLOGIES = ["random(fan_in=1)", "bernoulli(density=25%)", "band(width=2)", "torus", "small_world(fan_in=3)"]


@pytest.mark.parametrize("via", TOPOLOGIES)
@pytest.mark.parametrize("size", [4, 8, 32, 48])
def test_no_file_is_larger_than_its_dense_form(size: int, via: str) -> None:
    text = f"nf 1\nnetwork n {{ input {size}; linear {size} via {via} }}"
    network = nfc.load(Source("n.nf", text)).network
    for dtype in ("float32", "float16"):
        for batch in (1, 64, 100_000):
            dense = network.onnx(sparse="dense", dtype=dtype, batch=batch)
            assert len(network.onnx(dtype=dtype, batch=batch)) <= len(dense), (dtype, batch)
            assert len(network.onnx(sparse="delta", dtype=dtype, batch=batch)) <= len(dense), (dtype, batch)
