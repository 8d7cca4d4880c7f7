"""Pipelines: order, verification, and faults that name their pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from nfc.diagnostics import Sink
from nfc.ir.factors import Kron
from nfc.ir.network import Network, weighted_layers
from nfc.passes import PASSES
from nfc.passes.base import Pass
from nfc.passes.pipeline import DEFAULT, PassError, check_order, run_pipeline
from tests.build import linear, network


@dataclass(frozen=True)
class Rename(Pass):
    """Gives the network another name, or with `breaks` an output that nothing computes."""

    name: ClassVar[str] = "rename"
    after: ClassVar[tuple[str, ...]] = ("initialise",)
    to: str = "renamed"
    breaks: bool = False

    def run(self, network: Network, sink: Sink) -> Network:
        output = (99,) if self.breaks else network.output
        return replace(network, name=self.to, output=output)


def small() -> Network:
    return network("test", (linear("linear1", Kron(1, 3, 4, 1)),))


def test_the_default_pipeline_sets_draws() -> None:
    result = run_pipeline(small(), Sink())
    assert all(layer.draws for layer in weighted_layers(result))


def test_every_pass_is_in_the_table_by_its_name() -> None:
    assert {name: thunk().name for name, thunk in PASSES.items()} == {name: name for name in PASSES}
    assert {each.name for each in DEFAULT} <= set(PASSES)


def test_passes_run_in_order() -> None:
    assert run_pipeline(small(), Sink(), [Rename(to="first"), Rename(to="second")]).name == "second"


def test_a_broken_network_names_the_pass_that_broke_it() -> None:
    with pytest.raises(PassError, match="after the pass `rename`"):
        run_pipeline(small(), Sink(), [*DEFAULT, Rename(breaks=True)])


def test_an_impossible_order_is_refused() -> None:
    check_order([*DEFAULT, Rename()])
    with pytest.raises(PassError, match="`rename` has to come after `initialise`"):
        check_order([Rename(), *DEFAULT])
