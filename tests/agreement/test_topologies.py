"""Every standard topology, at sizes that suit it and at sizes that do not, agrees in every executor."""

from __future__ import annotations

import pytest

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.passes.pipeline import run_pipeline
from nfc.sema.program import topology_fabric
from nfc.topologies import FAMILIES
from tests import build
from tests.agreement.executors import Case, trained_like

SIZES = [(16, 16), (12, 20), (9, 5), (7, 7)]
CALLS = {
    "dense": "dense",
    "diagonal": "diagonal",
    "block": "block(size=3)",
    "band": "band(width=2)",
    "random": "random(fan_in=4)",
    "bernoulli": "bernoulli(density=40%)",
    "small_world": "small_world(fan_in=3)",
    "n_of_m": "n_of_m(n=2, m=4)",
    "torus": "torus(dims=2, depth=2)",
    "hypercube": "hypercube(depth=2)",
    "butterfly": "butterfly(radix=3)",
    "monarch": "monarch",
    "clos": "clos",
    "benes": "benes",
    "shuffle_exchange": "shuffle_exchange",
    "radix_net": "radix_net(systems=[[2, 2]])",
    "expander": "expander(fan_in=3, depth=2)",
    "lowrank": "lowrank(rank=2)",
    "pixelfly": "pixelfly(block=1, rank=1)",
}


def test_every_family_is_here() -> None:
    assert set(CALLS) == set(FAMILIES)


@pytest.mark.parametrize(("rows", "cols"), SIZES)
@pytest.mark.parametrize("name", CALLS)
def test_executors_agree(name: str, rows: int, cols: int) -> None:
    if name == "radix_net" and (rows % 4 or cols % 4):
        rows, cols = 4 * rows, 4 * cols
    sink = Sink()
    fabric = topology_fabric(CALLS[name], rows, cols, sink, Limits())
    assert not sink.failed
    assert fabric is not None
    network = run_pipeline(build.network("case", (build.linear("linear1", fabric),)), sink)
    Case(network, trained_like(network)).check()
