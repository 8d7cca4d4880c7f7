"""Networks that read token ids are timed like any others."""

from __future__ import annotations

import numpy as np
import pytest

import nfc
from nfc.bench.measure import input_values
from nfc.bench.runtimes import RUNTIMES
from nfc.source import Source


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_takes_ids(name: str) -> None:
    text = "nf 1\nnetwork n { input 6; embed 9 8; attention 2 causal=true via monarch; linear 3 }\n"
    network = nfc.load(Source("n.nf", text)).network
    values = input_values(network, 4)
    assert values.dtype == np.int64
    assert set(np.unique(values)) <= set(range(9))
    runtime = RUNTIMES[name](1)
    program = runtime.compile(network, 0, 4)
    for mode in runtime.modes:
        assert runtime.call(program, mode, values)() is not None
