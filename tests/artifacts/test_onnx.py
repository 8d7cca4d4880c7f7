"""Compiled files are verified against their spec, and tampered ones fail, whatever their labels say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from nfc import NfcError, load
from nfc.api import Network
from nfc.artifacts.matching import Match
from nfc.artifacts.onnx_file import checked
from nfc.artifacts.reference import constant, reference
from nfc.artifacts.verify import PROBES, verify
from nfc.backends.onnx_weights.choices import choices
from nfc.diagnostics import Diagnostic, Severity
from nfc.source import Source
from tests.documents import ROOT

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.nf"))
SPARSE = """\
nf 1
network net {
    input 64
    wide: linear 64 via random(fan_in=3, seed=1)
    relu
    second: linear 64 via random(fan_in=3, seed=2)
    relu
    head: linear 10 via bernoulli(density=30%, seed=3)
}
"""
CLUSTERED = SPARSE.replace("64", "512")
GATHERED = SPARSE.replace("64", "1024").replace("fan_in=3", "fan_in=12")
STRUCTURED = """\
nf 1
network net {
    input 60
    mixed: linear 60 via butterfly(radices=[3, 4, 5])
    relu
    cut: linear 50 via monarch
    blocks: linear 50 via permute("random", seed=4) >> block(size=10) >> permute("random", seed=5)
    relu
    head: linear 10
}
"""
TEXTS = {"sparse": SPARSE, "clustered": CLUSTERED, "gathered": GATHERED, "structured": STRUCTURED}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"sparse": "delta"},
    {"sparse": "constant"},
    {"sparse": "initializer"},
    {"sparse": "dense"},
    {"dtype": "float16"},
    {"batch": 1},
    {"fuse": False, "opset": 20},
    {"sparse": "delta", "dtype": "float16", "batch": 3},
]


def network_of(text: str) -> Network:
    return load(Source("net.nf", text)).network


def written(folder: Path, model: onnx.ModelProto) -> str:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


def errors(found: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    return [each for each in found if each.severity is Severity.ERROR]


CASES = [
    *((name, options) for name in ("sparse", "structured") for options in OPTIONS),
    *((name, options) for name in ("clustered", "gathered") for options in ({}, {"dtype": "float16"})),
]


@pytest.mark.parametrize(("text", "options"), CASES, ids=str)
def test_what_nfc_writes_is_verified(text: str, options: dict[str, Any], tmp_path: Path) -> None:
    network = network_of(TEXTS[text])
    (tmp_path / "net.onnx").write_bytes(network.onnx(seed=7, **options))
    assert verify(str(tmp_path / "net.onnx"), network) == ()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_is_verified_without_labels_too(path: Path, tmp_path: Path) -> None:
    for network in load(path).networks.values():
        model = onnx.load_from_string(network.onnx())
        assert errors(verify(written(tmp_path, model), network)) == []
        del model.metadata_props[:]
        for node in model.graph.node:
            node.name = ""
        assert errors(verify(written(tmp_path, renamed(model)), network)) == []


def renamed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every value called otherwise."""
    names: dict[str, str] = {}

    def other(name: str) -> str:
        return names.setdefault(name, f"value{len(names)}") if name else name

    for value in (*model.graph.input, *model.graph.output):
        value.name = other(value.name)
    for tensor in model.graph.initializer:
        tensor.name = other(tensor.name)
    for node in model.graph.node:
        node.input[:] = [other(name) for name in node.input]
        node.output[:] = [other(name) for name in node.output]
    return model


def tensors(model: onnx.ModelProto, wanted: Callable[[str], bool]) -> Iterator[Any]:
    return (tensor for tensor in model.graph.initializer if wanted(tensor.name))


def replaced(tensor: Any, array: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def tampered(
    text: str, options: dict[str, Any], suffix: str, change: Callable[[np.ndarray], np.ndarray]
) -> Any:
    """The network and a model whose first tensor of this suffix is changed; its labels stay right."""
    network = network_of(text)
    model = onnx.load_from_string(network.onnx(**options))
    tensor = next(tensors(model, lambda name: name.endswith(suffix)))
    replaced(tensor, change(numpy_helper.to_array(tensor).copy()))
    return network, model


def another_index(array: np.ndarray) -> np.ndarray:
    flat = array.reshape(-1)
    flat[5] = (flat[5] + 1) % 64
    return array


def exchanged_gaps(array: np.ndarray) -> np.ndarray:
    """One edge elsewhere, all later ones where they were."""
    place = next(index for index in range(3, 40) if array[index] > 2)
    array[place] -= 1
    array[place + 1] += 1
    return array


def filled(array: np.ndarray) -> np.ndarray:
    """A weight where there was none."""
    flat = array.reshape(-1)
    flat[np.flatnonzero(flat == 0)[0]] = 0.5
    return array


@pytest.mark.parametrize(
    ("options", "suffix", "change", "edge"),
    [
        ({"text": GATHERED}, "/inputs", another_index, True),
        ({"text": CLUSTERED}, "/columns", another_index, True),
        ({"sparse": "delta"}, "/gaps", exchanged_gaps, True),
        ({"sparse": "delta"}, "/gaps", lambda array: array[:-1], False),
        ({"sparse": "dense"}, ".weight", filled, True),
        ({"sparse": "dense", "dtype": "float16"}, ".weight", filled, True),
        ({"sparse": "dense"}, ".weight", lambda array: array[:, :-1], False),
    ],
)
def test_tampered_edges_are_found(
    options: dict[str, Any],
    suffix: str,
    change: Callable[[np.ndarray], np.ndarray],
    edge: bool,
    tmp_path: Path,
) -> None:
    chosen = dict(options)
    network, model = tampered(chosen.pop("text", SPARSE), chosen, suffix, change)
    (found,) = errors(verify(written(tmp_path, model), network))
    assert found.code == "NF513"
    assert "in `wide`" in found.message
    assert found.span is not None
    assert found.span.line == 4
    assert ("at the edge" in found.message) == edge


def test_the_first_differing_edge_is_the_one_that_was_moved(tmp_path: Path) -> None:
    network, model = tampered(SPARSE, {"sparse": "delta"}, "/gaps", exchanged_gaps)
    (found,) = verify(written(tmp_path, model), network)
    pattern = network["wide"].fabric.factors[0].csr()
    place = next(
        index
        for index, gap in enumerate(np.diff(pattern.indices + 64 * pattern.tocoo().row, prepend=0))
        if index >= 3 and gap > 2
    )
    row, col = pattern.tocoo().row[place], pattern.tocoo().col[place]
    assert f"at the edge {col} → {row};" in found.message


def test_a_dropped_edge_and_an_added_one_are_found_in_sparse_tensors(tmp_path: Path) -> None:
    network = network_of(SPARSE)
    for form in ("initializer", "constant"):
        model = onnx.load_from_string(network.onnx(sparse=form))
        if form == "initializer":
            tensor = model.graph.sparse_initializer[0]
        else:
            tensor = (
                next(node for node in model.graph.node if node.op_type == "Constant")
                .attribute[0]
                .sparse_tensor
            )
        indices = numpy_helper.to_array(tensor.indices).copy()
        unused = next(place for place in range(64) if place not in indices)
        indices[np.searchsorted(indices, unused)] = unused
        tensor.indices.CopyFrom(numpy_helper.from_array(np.sort(indices), tensor.indices.name))
        (found,) = errors(verify(written(tmp_path, model), network))
        assert "in `wide`" in found.message


def test_swapped_layers_and_changed_nodes_are_found(tmp_path: Path) -> None:
    network = network_of(SPARSE)
    model = onnx.load_from_string(network.onnx(sparse="dense"))
    first, second = (
        next(tensors(model, lambda each, name=name: each == f"{name}.weight")) for name in ("wide", "second")
    )
    one, other = numpy_helper.to_array(first), numpy_helper.to_array(second)
    replaced(first, other)
    replaced(second, one)
    (found,) = errors(verify(written(tmp_path, model), network))
    assert "in `wide`" in found.message
    model = onnx.load_from_string(network.onnx())
    next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Tanh"
    (found,) = errors(verify(written(tmp_path, model), network))
    assert "`Tanh`" in found.message
    assert "relu1" in found.message


def test_tampered_blocks_are_found(tmp_path: Path) -> None:
    text = STRUCTURED.replace("    relu\n    head: linear 10\n", "")  # which would read the rows as they lie
    for suffix in ("/columns", "/rows"):
        network, model = tampered(text, {}, suffix, lambda array: array[..., ::-1].copy())
        (found,) = errors(verify(written(tmp_path, model), network))
        assert "in `blocks`" in found.message
        assert "at the edge" in found.message or "at output" in found.message


@pytest.mark.parametrize("name", ["algebra", "fitted", "norms", "residuals"])
def test_every_number_that_is_no_weight_matters(name: str) -> None:
    """One number of each tensor is changed, among those that agree between two files with other weights."""
    random = np.random.default_rng(0)
    network = load(ROOT / "tests" / "corpus" / f"{name}.nf").network
    data = network.onnx(sparse="delta")
    chosen = next(iter(choices(checked(onnx.load_from_string(data), "net.onnx"))))
    first, second = (reference(network, replace(chosen, sparse="delta"), constant(probe)) for probe in PROBES)
    for index, tensor in enumerate(onnx.load_from_string(data).graph.initializer):
        one, other = (numpy_helper.to_array(each.tensors[tensor.name]) for each in (first, second))
        fixed = np.flatnonzero(one == other)
        if len(fixed):
            model = onnx.load_from_string(data)
            array = numpy_helper.to_array(tensor).copy()
            array.reshape(-1)[random.choice(fixed)] += 1
            replaced(model.graph.initializer[index], array)
            found = Match(first, second, checked(model, "net.onnx"), "net.onnx").difference()
            assert found is not None, tensor.name
            assert found.name == tensor.name


def test_weights_of_zero_are_a_warning(tmp_path: Path) -> None:
    network, model = tampered(SPARSE, {"sparse": "dense"}, "wide.weight", lambda array: array * 0)
    (found,) = verify(written(tmp_path, model), network)
    assert (found.code, found.severity) == ("NF513", Severity.WARNING)
    assert "192 weights are 0" in found.message


CONVOLUTIONS = {
    "dense": "conv 12 kernel=2",
    "blocks": "conv 12 via block(size=4)",
    "sets": 'conv 12 via permute("random", seed=4) >> block(size=3) >> permute("random", seed=5)',
    "stages": "conv 12 kernel=[2, 3] via butterfly(radices=[3, 4])",
    "edges": "conv 10 via bernoulli(density=30%, seed=3)",
    "depthwise": "depthwise",
}


@pytest.mark.parametrize(
    ("wiring", "sparse"),
    [*((wiring, "delta") for wiring in CONVOLUTIONS), ("edges", "constant"), ("edges", "dense")],
)
def test_an_edge_of_a_convolution_with_a_weight_of_zero_is_named(
    wiring: str, sparse: str, tmp_path: Path
) -> None:
    network = network_of(f"nf 1\nnetwork net {{ input [12, 5, 4]; {CONVOLUTIONS[wiring]} }}")
    (layer,) = network.layers
    (*_, last) = layer.fabric.factors
    place = last.edges // 2 + 1
    output, source = (int(ends[place]) for ends in last.csr().tocoo().coords)
    weights = network.torch().state_dict()
    name = [name for name in weights if name.endswith(".weight")][-1]
    weights[name].view(last.edges, -1)[place, -1] = 0
    path = tmp_path / "net.onnx"
    network.export_onnx(path, weights, fuse=False, sparse=sparse)
    (found,) = verify(str(path), network)
    assert found.severity is Severity.WARNING
    assert f"the edge {source} → {output};" in found.message


def test_tampered_tables_of_convolutions_are_found(tmp_path: Path) -> None:
    """The columns of all block sets lie on one axis there."""
    text = f"nf 1\nnetwork net {{ input [12, 5, 4]; {CONVOLUTIONS['sets']} }}"
    for suffix, where in (("/columns", "the edge {} →"), ("/rows", "output 5;")):
        network, model = tampered(text, {}, suffix, another_index)
        (found,) = errors(verify(written(tmp_path, model), network))
        original = next(
            tensors(onnx.load_from_string(network.onnx()), lambda name, end=suffix: name.endswith(end))
        )
        place = where.format(numpy_helper.to_array(original)[5])
        assert f"in `conv1`: the first difference is at {place}" in found.message


def test_another_specs_file_fails_with_the_right_label(tmp_path: Path) -> None:
    network, other = network_of(SPARSE), network_of(SPARSE.replace("seed=3", "seed=4"))
    model = onnx.load_from_string(other.onnx())
    for each in model.metadata_props:
        if each.key == "nfc.topology_digest":
            each.value = network.digest
    (found,) = errors(verify(written(tmp_path, model), network))
    assert "in `head`" in found.message


def truncated(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString()[:-100]


def external(model: onnx.ModelProto) -> bytes:
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return model.SerializeToString()


def unfilled(model: onnx.ModelProto) -> bytes:
    tensor = next(each for each in model.graph.initializer if each.name == "wide.bias")
    tensor.raw_data = tensor.raw_data[:-4]
    return model.SerializeToString()


def with_function(model: onnx.ModelProto) -> bytes:
    model.functions.add(name="Relu", domain="")
    return model.SerializeToString()


def with_two_meanings(model: onnx.ModelProto) -> bytes:
    model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
    return model.SerializeToString()


def old(model: onnx.ModelProto) -> bytes:
    model.opset_import[0].version = 11
    return model.SerializeToString()


def attribute_twice(model: onnx.ModelProto) -> bytes:
    node = next(each for each in model.graph.node if each.attribute)
    node.attribute.add().CopyFrom(node.attribute[0])
    return model.SerializeToString()


def numbers_twice(model: onnx.ModelProto) -> bytes:
    tensor = next(each for each in model.graph.initializer if each.name == "wide.bias")
    tensor.float_data.extend([1.0] * 64)
    return model.SerializeToString()


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        external,
        unfilled,
        with_function,
        with_two_meanings,
        old,
        attribute_twice,
        numbers_twice,
    ],
)
def test_damaged_and_hostile_files_are_refused(spoil: Callable[[Any], bytes], tmp_path: Path) -> None:
    network = network_of(SPARSE)
    (tmp_path / "net.onnx").write_bytes(spoil(onnx.load_from_string(network.onnx())))
    with pytest.raises(NfcError) as raised:
        verify(str(tmp_path / "net.onnx"), network)
    assert [each.code for each in raised.value.diagnostics] == ["NF755"]


@pytest.mark.parametrize("sparse", ["constant", "initializer"])
def test_indices_in_other_files_are_refused(sparse: Any, tmp_path: Path) -> None:
    network = network_of(SPARSE)
    model = onnx.load_from_string(network.onnx(sparse=sparse))
    attributes = [each for node in model.graph.node for each in node.attribute]
    constants = [each.sparse_tensor for each in attributes if each.name == "sparse_value"]
    indices = (constants or model.graph.sparse_initializer)[0].indices
    indices.data_location = onnx.TensorProto.EXTERNAL
    indices.external_data.add(key="location", value="net.bin")
    with pytest.raises(NfcError, match="other files"):
        verify(written(tmp_path, model), network)


def test_a_missing_file_and_an_unknown_suffix(tmp_path: Path) -> None:
    network = network_of(SPARSE)
    for name, code in (("missing.onnx", "NF702"), ("net.pt", "NF755"), ("missing.safetensors", "NF702")):
        with pytest.raises(NfcError) as raised:
            verify(str(tmp_path / name), network)
        assert [each.code for each in raised.value.diagnostics] == [code]
