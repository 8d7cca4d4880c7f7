"""Profiles of signals at initialisation: by hand, at the ends of float64, and what is remembered."""

from __future__ import annotations

import gc
from dataclasses import astuple, replace
from math import inf, pi
from weakref import ref

import numpy as np
import pytest

import nfc
from nfc.analysis.profile import profile
from nfc.ir.network import Network
from nfc.source import Source
from tests.analysis.measured import measured


def network(*lines: str, width: int = 64) -> nfc.api.Network:
    return nfc.load(Source("n.nf", "\n".join([f"nf 1\nnetwork n {{ input {width}", *lines, "}"]))).network


def initialised(*lines: str, width: int = 64) -> Network:
    return network(*lines, width=width).ir


def test_a_profile_by_hand() -> None:
    found = profile(initialised("pad 128", "linear 64", "relu", "head: linear 16", "relu"))
    assert [place.op.path for place in found.places] == ["linear1", "relu1", "head", "relu2"]
    first, rectified, head, last = found.places
    # The gain of relu is 2, and half of what the first layer reads is zeros.
    assert first.forward.mean == pytest.approx(1.0)
    assert rectified.forward.mean == pytest.approx(0.5)
    assert astuple(head.forward) == pytest.approx((1.0, 1.0, 1.0))
    assert (first.correlation, head.correlation) == (0.0, rectified.correlation)
    assert rectified.correlation == pytest.approx(1 / pi)
    assert last.backward == pytest.approx(1.0)
    assert head.backward == pytest.approx(0.5)
    assert rectified.backward == pytest.approx(1.0)
    assert found.forward == pytest.approx(last.forward.mean)
    assert found.correlation == last.correlation


def test_the_spread_is_over_neurons() -> None:
    (place,) = profile(initialised("linear 64 init=dense_xavier via band(width=1)")).places
    assert place.forward.least == pytest.approx(2 / 64)
    assert place.forward.greatest == pytest.approx(3 / 64)
    assert place.forward.mean == pytest.approx((62 * 3 + 2 * 2) / 64 / 64)


def test_activations_in_a_row_are_one_function() -> None:
    """Values behind an activation are not normal; two times relu is relu."""
    once = profile(initialised("linear 64", "relu", "linear 64"))
    for again in (
        "relu; relu",
        "relu; dropout 10%; relu",
        "relu; repeat 3 { relu }",
        "leaky_relu slope=0; relu",
    ):
        assert profile(initialised("linear 64", again, "linear 64")).backward == pytest.approx(once.backward)
    ir = initialised(
        "linear 64", "tanh", "gelu", "linear 64", "sigmoid", "residual { silu }", "relu", width=256
    )
    measures = measured(ir, 8)
    for place in profile(ir).places:
        here = measures[place.op.path]
        assert place.forward.mean == pytest.approx(here.second.mean(), rel=0.05)
        assert place.backward == pytest.approx(here.backward.mean(), rel=0.1)


def test_a_network_without_operations() -> None:
    found = profile(initialised())
    assert (found.forward, found.backward, found.correlation, found.places) == (1.0, 1.0, 0.0, ())


@pytest.mark.parametrize("gain", [1e-110, 1e110])
def test_signals_beyond_float64_tell_nothing_apart(gain: float) -> None:
    ir = initialised("repeat 3 { linear 64 }")
    (repeat,) = ir.body
    copies = tuple(
        tuple(replace(op, draws=tuple(replace(draw, std=gain) for draw in op.draws)) for op in copy)
        for copy in repeat.copies
    )
    found = profile(replace(ir, body=(replace(repeat, copies=copies),)))
    assert (found.forward, found.correlation) == (0.0 if gain < 1 else inf, 1.0)


def test_a_profile_is_remembered_while_its_network_lives() -> None:
    ir = initialised("linear 64", "relu")
    assert profile(ir) is profile(ir)
    assert profile(replace(ir)) is not profile(ir)
    gone = ref(ir)
    del ir
    gc.collect()
    assert gone() is None


def test_the_property_in_programs_and_checks() -> None:
    text = """nf 1
    network n { input 64; linear 64; relu; linear 10 }
    check n { correlation < .4; correlation > .4 }"""
    program = nfc.load(Source("n.nf", text))
    assert program.network.correlation == pytest.approx(1 / pi)
    assert [result.ok for result in program.check().results] == [True, False]


def test_norms_and_the_correlation() -> None:
    """`layer` takes off what all neurons share, `batch` what all inputs do; `rms` keeps angles."""
    found = {
        norm: network("linear 64", "relu", f"norm {norm}").correlation for norm in ("rms", "layer", "batch")
    }
    assert found["rms"] == pytest.approx(1 / pi)
    assert found["layer"] == pytest.approx(0.0, abs=1e-9)
    assert found["batch"] == 0.0


def test_a_thousand_layers() -> None:
    found = profile(initialised("repeat 1000 { linear 64 via random(fan_in=8); relu }"))
    assert len(found.places) == 2000
    assert found.forward == pytest.approx(1.0, rel=1e-9)
    assert found.backward == pytest.approx(1.0, rel=1e-9)
    assert np.all(np.diff([place.correlation for place in found.places]) >= -1e-12)
    assert 1.0 - found.correlation < 1e-4


def test_rounding_makes_no_correlation_negative() -> None:
    assert network("sum { {relu} {tanh} }", "norm layer", "linear 64").correlation >= 0.0
