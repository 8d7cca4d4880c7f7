"""The Python API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import nfc
from nfc.diagnostics import Sink
from nfc.source import Span

TEXT = """nf 1
param width = 8
param radices = [2, 4]
param name = "x"
network small {
    input 6
    pad width
    repeat 2 { linear width via butterfly(radices=radices); norm batch; relu }
    head: linear 3
}
network other { input 4; linear 4 via random(fan_in=2, seed=1) }
check small { head.connected; depth == 1 }
check other { params > 0 }
"""

SOURCE = nfc.Source("small.nf", TEXT)


@pytest.fixture
def program() -> nfc.Program:
    return nfc.load(SOURCE)


@pytest.fixture
def network(program: nfc.Program) -> nfc.Network:
    return program["small"]


def test_every_public_name_is_there() -> None:
    assert {name for name in nfc.__all__ if getattr(nfc, name, None) is None} == set()
    assert set(nfc.__all__) <= set(dir(nfc))
    with pytest.raises(AttributeError, match="no attribute `nothing`"):
        nfc.nothing  # noqa: B018


def test_a_path_a_path_object_and_a_source_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "small.nf"
    path.write_text(TEXT, "utf-8")
    digests = {nfc.load(each)["small"].digest for each in (path, str(path), SOURCE)}
    assert len(digests) == 1


def test_parameters_are_keywords_with_python_s_values() -> None:
    changed = nfc.load(SOURCE, width=16, radices=[4, 4], name="y")
    assert changed["small"]["repeat1.0.linear1"].edges == 2 * 16 * 4
    with pytest.raises(nfc.NfcError) as caught:
        nfc.load(SOURCE, widht=16)
    assert "`width`" in str(caught.value)


def test_what_is_wrong_is_data() -> None:
    with pytest.raises(nfc.NfcError) as caught:
        nfc.load(nfc.Source("wrong.nf", "nf 1\nnetwork n { input 4; linear 2 via butterflie; linear bad }"))
    assert len(caught.value.diagnostics) == 2
    assert all(each.span is not None and each.span.line == 2 for each in caught.value.diagnostics)


def test_limits_are_adjustable() -> None:
    with pytest.raises(nfc.NfcError, match="NF714"):
        nfc.load(SOURCE, limits=nfc.Limits(edges=10))


def test_networks_by_name(program: nfc.Program) -> None:
    assert list(program.networks) == ["small", "other"]
    with pytest.raises(KeyError, match="did you mean `small`"):
        program["smal"]
    with pytest.raises(ValueError, match="small, other"):
        program.network  # noqa: B018


def test_properties_by_their_names(network: nfc.Network) -> None:
    edges = 2 * (8 * 2 + 8 * 4) + 8 * 3
    norms = 2 * 2 * 8
    assert network.edges == edges
    assert network.params == edges + 2 * 8 + 3 + norms
    assert network.bytes == 4 * network.params
    assert network.density == edges / (2 * 64 + 24)
    assert network.variance.forward > 0
    layer = network["repeat1.1.linear1"]
    assert (layer.fan_in.min, layer.fan_in.max, layer.connected, layer.depth) == (2, 4, True, 2)
    assert layer.paths.max == 1


def test_unknown_properties_are_attribute_errors(network: nfc.Network) -> None:
    with pytest.raises(AttributeError, match="did you mean `density`"):
        network.densty  # noqa: B018
    with pytest.raises(AttributeError, match="min, max, mean"):
        network["head"].fan_in.middle  # noqa: B018
    assert not hasattr(network, "__array__")


def test_layers_by_path(network: nfc.Network) -> None:
    assert [layer.name for layer in network.layers] == ["repeat1.0.linear1", "repeat1.1.linear1", "head"]
    with pytest.raises(KeyError, match="did you mean"):
        network["repeat1.linear1"]


def test_check(program: nfc.Program) -> None:
    report = program.check()
    assert not report.ok
    assert [(each.assertion, each.ok) for each in report.results] == [
        ("head.connected", True),
        ("depth == 1", False),
        ("params > 0", True),
    ]
    assert program.check("other").ok
    with pytest.raises(KeyError):
        program.check("nothing")


def test_the_module_and_the_exported_file_agree(network: nfc.Network, tmp_path: Path) -> None:
    model = network.torch(seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)
    model.eval()
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    for number, weights in enumerate((model, model.state_dict())):
        path = tmp_path / f"{number}.onnx"
        assert network.export_onnx(path, weights=weights) == ()
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = session.run(None, {"input": x.numpy()})[0]
        np.testing.assert_allclose(found, model(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_initial_weights_are_those_of_the_seed(network: nfc.Network) -> None:
    weights = network.onnx(network.torch(seed=9))
    assert network.onnx(seed=9) == weights
    assert network.onnx(seed=8) != weights


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5])
def test_a_seed_that_is_none_is_refused(network: nfc.Network, seed: int) -> None:
    for draw in (network.torch, network.torch_source, lambda seed: network.onnx(seed=seed)):
        with pytest.raises(ValueError, match="a seed is a whole number"):
            draw(seed)


def test_export_options(network: nfc.Network) -> None:
    model = onnx.load_from_string(network.onnx(opset=20, dtype="float16"))
    assert model.opset_import[0].version == 20
    with pytest.raises(nfc.NfcError, match="NF620"):
        network.onnx(opset=3)
    with pytest.raises(TypeError, match="a module, a state dict or a path"):
        network.onnx(3)


def test_a_fabric_s_factors_multiply_to_its_path_counts() -> None:
    fabric = nfc.topology("parallel(2, butterfly(radix=4))", rows=16, cols=16)
    first, second, third, fourth = (factor.csr().toarray().astype(int) for factor in fabric.factors)
    counts = second @ first + fourth @ third
    assert (counts == 2).all()
    assert fabric.properties("paths") == {"paths": {"min": 2, "max": 2, "mean": 2.0, "cv": 0.0}}
    assert fabric.shape == (fabric.rows, fabric.cols) == (16, 16)
    assert fabric.edges == sum(factor.edges for factor in fabric.factors) == 2 * 2 * 16 * 4


def test_properties_without_names_are_the_cheap_ones() -> None:
    found = nfc.topology("butterfly", rows=8, cols=8).properties()
    assert {"edges", "density", "connected", "reach", "digest", "fan_in.max"} <= set(found)
    assert not any(name.startswith("paths") or name == "controllability" for name in found)


def test_properties_that_cost_too_much_are_left_out_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nfc.analysis.paths.WORK", 1)
    fabric = nfc.topology("cascade(3, random(fan_in=8, seed=1))", rows=500, cols=500)
    assert not {"connected", "reach"} & set(fabric.properties())
    with pytest.raises(nfc.NfcError, match="NF506"):
        fabric.properties("connected")


@pytest.mark.parametrize(
    "text",
    ["butterflie", "butterfly(radix=1)", "butterfly }", "butterfly\nnetwork x {", "", "3", "dense # x"],
)
def test_wrong_topologies_are_nfc_errors_and_others_not(text: str) -> None:
    if text == "dense # x":
        assert nfc.topology(text, rows=4, cols=4).edges == 16
    else:
        with pytest.raises(nfc.NfcError):
            nfc.topology(text, rows=4, cols=4)


@pytest.mark.parametrize(("rows", "cols"), [(0, 4), (4, -1)])
def test_sizes_of_a_topology_are_positive(rows: int, cols: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        nfc.topology("dense", rows=rows, cols=cols)


@pytest.mark.parametrize("size", ["4", 4.0])
def test_sizes_that_are_no_whole_numbers(size: int) -> None:
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        nfc.topology("dense", rows=size, cols=4)


def test_initialisation_is_a_warning_s_place() -> None:
    text = "nf 1\nnetwork n { input 9; linear 9 init=orthogonal via random(fan_in=3, seed=1) }"
    warnings = nfc.load(nfc.Source("n.nf", text)).network.diagnostics
    assert [each.code for each in warnings] == ["NF450"]


def test_numpy_numbers_are_numbers() -> None:
    source = nfc.Source(
        "m.nf", "nf 1\nparam w = 4\nparam f = 0.5\nnetwork m { input w; linear w; dropout f }"
    )
    program = nfc.load(source, w=np.int64(6), f=np.float64(0.25))
    assert program.network.input == (6,)


@pytest.mark.parametrize("value", [None, object(), {1: 2}, [None]])
def test_other_values_are_no_parameters(value: object) -> None:
    with pytest.raises(nfc.NfcError) as error:
        nfc.load(nfc.Source("m.nf", "nf 1\nparam w = 4\nnetwork m { input w; linear w }"), w=value)
    assert [each.code for each in error.value.diagnostics] == ["NF208"]


def test_the_source_digest_covers_used_files(tmp_path: Path) -> None:
    (tmp_path / "m.nf").write_text('nf 1\nuse "b.nf"\nnetwork m { input 4; inner }')
    digests = set()
    for tail in ("", "; relu"):
        (tmp_path / "b.nf").write_text(f"nf 1\nnetwork inner {{ input 4; linear 4{tail} }}")
        digests.add(nfc.load(tmp_path / "m.nf")["m"].ir.source_digest)
    assert len(digests) == 2


def test_given_text_is_read_as_a_file_s() -> None:
    text = "nf 1\nnetwork one { input 4; linear 3 }\n"
    foreign = nfc.load(nfc.Source("one.nf", "\ufeff" + text.replace("\n", "\r")))
    plain = nfc.load(nfc.Source("one.nf", text))
    assert foreign.network.plan.source_digest == plain.network.plan.source_digest


@pytest.mark.parametrize("found", ["\ud800", "\0"])
def test_text_that_is_not_utf_8_is_an_nfc_error(found: str) -> None:
    with pytest.raises(nfc.NfcError, match="NF703"):
        nfc.load(nfc.Source("one.nf", f"nf 1\nnetwork one {{ input 4; linear 3 }} # {found}\n"))
    with pytest.raises(nfc.NfcError, match="NF703"):
        nfc.topology(f"dense # {found}", 4, 4)


def test_many_findings_are_kept_once_each_in_linear_time() -> None:
    sink = Sink()
    span = Span(nfc.Source("large.nf", "x" * 10**6), 0, 1)
    for number in range(20_000):
        sink.error("NF000", f"finding {number % 10_000}", span)
    assert len(sink.diagnostics) == 10_000
