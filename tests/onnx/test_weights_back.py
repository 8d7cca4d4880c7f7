"""Weights read back out of emitted ONNX files, and the files that are refused."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

import nfc
from nfc.diagnostics import Diagnostic
from nfc.ir.parameters import Weights, parameters
from nfc.source import Source
from tests.documents import ROOT
from tests.documents import nfc as run

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.nf"))
FORMS = (None, "delta", "constant", "initializer", "dense")

SPEC = """\
nf 1

param SEED = 1
param OUT = 64

network net {
    input 64
    wired: linear 64 via random(fan_in=6, seed=SEED)
    norm batch
    relu
    blocks: linear 64 via monarch
    stages: linear OUT via butterfly(radix=8)
}
"""


def spec(**parameters: int) -> nfc.Network:
    return nfc.load(Source("net.nf", SPEC), **parameters).network


def trained(network: nfc.Network) -> Weights:
    """Weights of which no two are equal, buffers of norms included."""
    generator = np.random.default_rng(0)
    return {
        each.name: generator.uniform(0.1, 1.0, each.shape).astype(np.float32)
        for each in parameters(network.ir)
    }


def state(network: nfc.Network, weights: Weights) -> dict[str, Any]:
    return {**network.torch().state_dict(), **{name: torch.tensor(value) for name, value in weights.items()}}


def refusal(network: nfc.Network, path: Path) -> Diagnostic:
    with pytest.raises(nfc.NfcError) as error:
        network.read_weights(path)
    return error.value.diagnostics[0]


def assert_equal(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, name)
        assert found[name].dtype == np.float32


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_every_kind_of_layer_is_read_back(file: Path, tmp_path: Path) -> None:
    for network in nfc.load(file).networks.values():
        weights = trained(network)
        network.export_onnx(tmp_path / "net.onnx", state(network, weights), fuse=False)
        assert_equal(network.read_weights(tmp_path / "net.onnx"), weights)


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_back(form: str | None, batch: int, tmp_path: Path) -> None:
    network, options = spec(), {} if form is None else {"sparse": form}
    weights = trained(network)
    path = tmp_path / "net.onnx"
    network.export_onnx(path, state(network, weights), fuse=False, batch=batch, **options)
    assert_equal(network.read_weights(path), weights)


@pytest.mark.parametrize("batch", [1, 64])
def test_what_lies_as_index_sets_left_it_is_read_back(batch: int, tmp_path: Path) -> None:
    masks = "mask a[o, i] = o * 13 % 64 // 8 == i * 27 % 64 // 8\nmask b[o, i] = o * 27 % 64 // 4 == i // 4"
    body = "input 64; linear 64 via a; norm batch; relu; linear 64 via b; linear 16"
    network = nfc.load(Source("net.nf", f"nf 1\n{masks}\nnetwork net {{ {body} }}")).network
    weights = trained(network)
    network.export_onnx(tmp_path / "net.onnx", state(network, weights), fuse=False, batch=batch)
    assert_equal(network.read_weights(tmp_path / "net.onnx"), weights)


def test_half_precision_is_read_back_as_it_was_rounded(tmp_path: Path) -> None:
    network = spec()
    weights = trained(network)
    network.export_onnx(tmp_path / "net.onnx", state(network, weights), fuse=False, dtype="float16")
    rounded = {
        name: value.astype(np.float16).astype(np.float32)
        if "norm" not in name and "bias" not in name
        else value
        for name, value in weights.items()
    }
    assert_equal(network.read_weights(tmp_path / "net.onnx"), rounded)


def test_round_trip_through_all_kinds_of_files(tmp_path: Path) -> None:
    network = spec()
    model = network.torch(seed=5)
    network.write_weights(tmp_path / "a.safetensors", model)
    network.export_onnx(tmp_path / "b.onnx", tmp_path / "a.safetensors", fuse=False)
    network.write_weights(tmp_path / "c.pt", tmp_path / "b.onnx")
    found = network.torch(seed=6, weights=tmp_path / "c.pt")
    for name, value in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    network.export_onnx(tmp_path / "d.onnx", found, fuse=False)
    assert (tmp_path / "d.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_the_batch_need_not_be_said(tmp_path: Path) -> None:
    network = spec()
    network.export_onnx(tmp_path / "net.onnx", fuse=False, batch=1, seed=2)

    def forget(model: Any) -> None:
        (entry,) = (each for each in model.metadata_props if each.key == "nfc.batch")
        model.metadata_props.remove(entry)

    network.export_onnx(tmp_path / "again.onnx", edited(tmp_path / "net.onnx", forget), fuse=False)
    network.export_onnx(tmp_path / "expected.onnx", fuse=False, seed=2)
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "expected.onnx").read_bytes()


def test_the_command_line_takes_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "net.nf").write_text(SPEC)
    first, second = str(tmp_path / "a.onnx"), str(tmp_path / "b.onnx")
    command = ["compile", str(tmp_path / "net.nf"), "--to", "onnx", "--no-fuse", "-o"]
    assert run([*command, first, "--seed", "3"]).code == 0
    assert run([*command, second, "--weights", first]).code == 0
    assert Path(first).read_bytes() == Path(second).read_bytes()
    refused = run([*command, second, "--weights", first, "-D", "SEED=2"])
    assert refused.code == 1
    assert "NF752" in refused.err


def test_products_of_factors_are_refused_with_the_option_that_keeps_them_apart(tmp_path: Path) -> None:
    network = spec()
    network.export_onnx(tmp_path / "net.onnx", sparse="dense", batch=256)
    found = refusal(network, tmp_path / "net.onnx")
    assert found.code == "NF751"
    assert "`stages`" in found.message
    assert "--no-fuse" in found.hints[0]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    spec().export_onnx(path, fuse=False)
    return path


def edited(path: Path, change: Any) -> Path:
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_another_topology_is_refused_with_both_digests(exported: Path) -> None:
    other = spec(SEED=2)
    found = refusal(other, exported)
    assert found.code == "NF752"
    assert spec().digest in found.message
    assert other.digest in found.message
    assert "`wired.weight" in found.message


def test_another_shape_is_refused_with_both_shapes(exported: Path) -> None:
    found = refusal(spec(OUT=32), exported)
    assert found.code == "NF752"
    assert "`stages.fabric.1.weight`: [8, 8, 8] there, [8, 4, 8] needed" in found.message


def test_a_missing_parameter_is_named(exported: Path) -> None:
    text = SPEC.replace("norm batch", "norm layer")
    found = refusal(nfc.load(Source("net.nf", text)).network, exported)
    assert found.code == "NF753"
    assert "norm1.running_" in found.message


def test_a_missing_bias_is_named(exported: Path) -> None:
    text = SPEC.replace("64 via monarch", "64 bias=false via monarch")
    found = refusal(nfc.load(Source("net.nf", text)).network, exported)
    assert (found.code, "`blocks.bias`, which the network lacks" in found.message) == ("NF753", True)


@pytest.mark.parametrize("form", FORMS)
def test_rewired_tables_are_refused_whatever_the_digest_says(form: str | None, tmp_path: Path) -> None:
    options = {} if form is None else {"sparse": form}
    spec(SEED=2).export_onnx(tmp_path / "net.onnx", fuse=False, **options)

    def relabel(model: Any) -> None:
        for entry in model.metadata_props:
            if entry.key == "nfc.topology_digest":
                entry.value = spec().digest

    found = refusal(spec(), edited(tmp_path / "net.onnx", relabel))
    assert found.code in ("NF752", "NF753")
    assert "`wired.weight" in found.message


def test_a_weight_where_no_edge_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    spec().export_onnx(path, fuse=False, sparse="dense")

    def fill(model: Any) -> None:
        tensor = next(each for each in model.graph.initializer if each.name == "wired.weight")
        matrix = numpy_helper.to_array(tensor).copy()
        matrix[matrix == 0] = 0.5
        tensor.CopyFrom(numpy_helper.from_array(matrix, tensor.name))

    found = refusal(spec(), edited(path, fill))
    assert (found.code, "expected no edge" in found.message) == ("NF752", True)


def test_a_changed_graph_is_refused(exported: Path) -> None:
    def change(model: Any) -> None:
        next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Sigmoid"

    found = refusal(spec(), edited(exported, change))
    assert (found.code, "the node `relu1`" in found.message) == ("NF751", True)


def test_other_producers_are_refused(exported: Path) -> None:
    found = refusal(spec(), edited(exported, lambda model: setattr(model, "producer_name", "pytorch")))
    assert (found.code, "written by `pytorch`" in found.message) == ("NF751", True)


def test_a_file_without_a_digest_is_refused(exported: Path) -> None:
    found = refusal(spec(), edited(exported, lambda model: model.ClearField("metadata_props")))
    assert found.code == "NF752"


def test_data_in_other_files_is_refused(exported: Path) -> None:
    model = onnx.load(exported)
    convert_model_to_external_data(model, size_threshold=0, location="data.bin")
    onnx.save(model, exported)
    found = refusal(spec(), exported)
    assert (found.code, "other files" in found.message) == ("NF751", True)


def test_numbers_that_are_not_finite_are_refused(exported: Path) -> None:
    def spoil(model: Any) -> None:
        tensor = next(each for each in model.graph.initializer if each.name == "wired.bias")
        tensor.raw_data = np.full(64, np.nan, np.float32).tobytes()

    found = refusal(spec(), edited(exported, spoil))
    assert (found.code, "`wired.bias`" in found.message) == ("NF754", True)


def test_damaged_files_are_refused(exported: Path) -> None:
    data = exported.read_bytes()
    generator = np.random.default_rng(0)
    for cut in (0, 1, 10, len(data) // 2, len(data) - 1):
        exported.write_bytes(data[:cut])
        assert refusal(spec(), exported).code in ("NF751", "NF752", "NF753")
    network = spec()
    for _ in range(20):
        spoiled = bytearray(data)
        for place in generator.integers(0, len(data), 20):
            spoiled[place] ^= 0xFF
        exported.write_bytes(spoiled)
        with contextlib.suppress(nfc.NfcError):
            network.read_weights(exported)


def test_tensors_that_do_not_fill_their_shape_are_refused(exported: Path) -> None:
    def cut(model: Any) -> None:
        model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]

    found = refusal(spec(), edited(exported, cut))
    assert (found.code, "damaged" in found.message) == ("NF751", True)
