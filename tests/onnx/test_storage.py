"""What is in the file: forms of sparse weights, their sizes, and the limits of storage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from nfc.backends.onnx_graph.gaps import encode, entries, gap_type
from nfc.backends.onnx_graph.rows import row_groups
from nfc.diagnostics import NfcError, Severity, Sink
from nfc.ir.fabric import Fabric, edge_count
from nfc.ir.factors import FanIn, Kron
from nfc.ir.network import Network, Repeat
from nfc.source import Source, Span
from tests.build import FABRICS, butterfly, edges_of, linear, network
from tests.onnx.plans import weights_of
from tests.onnx.running import agree, compiled, session
from tests.onnx.test_kernels import FORMS, LARGER, random_table, sparse_pattern

SPARSE = ("delta", "constant", "initializer")


def layer_of_density(density: float, size: int = 128, bias: bool = True) -> Network:
    return network("n", (linear("linear1", edges_of(sparse_pattern(size, size, density)), bias=bias),))


def graph_of(model: bytes) -> onnx.GraphProto:
    return onnx.load_from_string(model).graph


def initializers(model: bytes) -> dict[str, np.ndarray]:
    return {each.name: onnx.numpy_helper.to_array(each) for each in graph_of(model).initializer}


def test_delta_stores_values_and_gaps_of_a_byte() -> None:
    net = layer_of_density(0.1)
    arrays = initializers(compiled(net))
    weight = weights_of(net)["linear1.weight"]
    assert "linear1.weight" not in arrays
    assert arrays["linear1.weight/gaps"].dtype == np.uint8
    np.testing.assert_array_equal(arrays["linear1.weight/values"], weight)


def test_constant_is_a_sparse_value() -> None:
    graph = graph_of(compiled(layer_of_density(0.1), sparse="constant"))
    (tensor,) = (a.sparse_tensor for node in graph.node for a in node.attribute if a.name == "sparse_value")
    assert list(tensor.dims) == [128, 128]
    assert not graph.sparse_initializer


def test_initializer_is_a_sparse_initializer() -> None:
    graph = graph_of(compiled(layer_of_density(0.1), sparse="initializer"))
    (tensor,) = graph.sparse_initializer
    assert tensor.values.name == "linear1.weight"
    positions = onnx.numpy_helper.to_array(tensor.indices)
    np.testing.assert_array_equal(positions, np.flatnonzero(sparse_pattern(128, 128, 0.1)))


def test_structured_factors_need_no_indices() -> None:
    net = network("n", (linear("linear1", butterfly(16, 4)),))
    arrays = initializers(compiled(net))
    assert all(array.ndim == 1 and array.size <= 4 for array in arrays.values() if array.dtype == np.int64)
    weights = sum(array.size for array in arrays.values() if array.dtype == np.float32)
    assert weights == 2 * 64 + 16


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("form", SPARSE)
@pytest.mark.parametrize("size", [5, 24, 128])
def test_never_larger_than_dense(size: int, form: str, dtype: str) -> None:
    for density in (0.01, 0.05, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.85, 0.95):
        net = layer_of_density(density, size)
        dense = len(compiled(net, sparse="dense", dtype=dtype))
        assert len(compiled(net, sparse=form, dtype=dtype)) <= dense


@pytest.mark.parametrize(
    ("form", "smaller_at", "dense_at"),
    [("delta", 0.75, 0.85), ("constant", 0.5, 0.65), ("initializer", 0.5, 0.65)],
)
def test_break_even_density(form: str, smaller_at: float, dense_at: float) -> None:
    """Measured break-even densities of float32: .80 for delta, .57 for packed positions at this size."""
    for density, warned in ((smaller_at, False), (dense_at, True)):
        sink = Sink()
        compiled(layer_of_density(density, 256), sink=sink, sparse=form)
        assert bool(sink.diagnostics) is warned


def test_the_warning_names_the_layer_and_both_sizes() -> None:
    net, sink = layer_of_density(0.95), Sink()
    stored = len(compiled(net, sink=sink))
    (warning,) = sink.diagnostics
    assert (warning.code, warning.severity) == ("NF621", Severity.WARNING)
    assert "`linear1.weight`" in warning.message
    dense = len(compiled(net, sparse="dense"))
    assert stored == dense
    sizes = [int(word.rstrip(":")) for word in warning.message.split() if word.rstrip(":").isdigit()]
    assert sizes[0] < sizes[1]
    assert 128 * 128 * 4 < sizes[0] < dense


def test_one_warning_for_the_copies_of_a_layer() -> None:
    pattern = edges_of(sparse_pattern(64, 64, 0.95))
    source = Source("n.nf", "repeat 3 { linear 64 via m }")
    span = Span(source, 11, 27)
    copies = tuple((replace(linear(f"repeat1.{copy}.linear1", pattern), span=span),) for copy in range(3))
    net = network("n", (Repeat(path="repeat1", input=(64,), output=(64,), copies=copies),))
    sink = Sink()
    compiled(net, sink=sink)
    (warning,) = sink.diagnostics
    assert warning.span == span
    assert "2 more of its copies" in warning.message


def test_no_warning_in_layers_of_a_few_bytes() -> None:
    sink = Sink()
    compiled(layer_of_density(0.9, 8), sink=sink)
    assert not sink.diagnostics


def test_very_sparse_weights_have_gaps_of_two_bytes() -> None:
    positions = np.arange(40, dtype=np.int64) * 2000 + 7
    assert gap_type(positions, 4) is np.uint16
    assert gap_type(positions // 100, 4) is np.uint8


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("step", [1, 254, 255, 256, 510, 511, 70_000])
def test_running_sums_of_gaps_are_the_positions(step: int, kind: type) -> None:
    positions = np.array([0, 1, 2, 3, 5], np.int64) * step + (step - 1)
    values = np.arange(1, 6, dtype=np.float32)
    gaps, spread = encode(positions, values, kind)
    assert gaps.dtype == kind
    assert len(gaps) == len(spread) == entries(positions, kind)
    reached = np.cumsum(gaps.astype(np.int64))
    np.testing.assert_array_equal(reached[spread != 0], positions)
    np.testing.assert_array_equal(spread[spread != 0], values)
    assert len(np.unique(reached)) == len(reached), (
        "a full step may not land on a position that holds a value"
    )


@pytest.mark.parametrize("batch", [None, 1, 10_000])
def test_rows_in_groups_hold_every_edge_once(batch: int | None) -> None:
    pattern = sparse_pattern(50, 40, 0.1, seed=3)
    edges = edges_of(pattern)
    values = np.arange(1, edges.edges + 1, dtype=np.float32)
    rebuilt = np.zeros(pattern.shape, np.float32)
    groups = list(row_groups(edges.indptr, edges.indices, values, batch))
    for group in groups:
        np.add.at(rebuilt, (group.rows[:, None], group.inputs), group.weights)
    expected = np.zeros(pattern.shape, np.float32)
    expected[pattern] = values
    np.testing.assert_array_equal(rebuilt, expected)
    assert sorted(np.concatenate([group.rows for group in groups])) == list(range(50))
    assert sum(group.inputs.size for group in groups) < 1.25 * edges.edges + 50


def test_a_wide_layer_is_not_decoded() -> None:
    """Past 1 GiB of dense bytes a layer gathers its inputs; 2^17 neurons would take 64 GiB."""
    size = 2**17
    table = np.arange(size)[:, None] // 2 + np.array([0, 7, 100])
    net = network("n", (linear("linear1", FanIn(size, table)),))
    weights = weights_of(net)
    model = compiled(net, weights)
    assert len(model) < 5_000_000
    value = np.random.default_rng(1).standard_normal((2, size)).astype(np.float32)
    expected = (value[:, table] * weights["linear1.weight"]).sum(-1) + weights["linear1.bias"]
    (found,) = session(model, optimise=True).run(None, {"input": value})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_gathers_are_not_used_where_they_store_more() -> None:
    net = layer_of_density(0.9, 16)
    assert "Gather" not in {node.op_type for node in graph_of(compiled(net, dense_limit=0)).node}


def test_float16_halves_the_file() -> None:
    net = network("n", (linear("linear1", butterfly(256, 16)), linear("linear2", Kron(1, 64, 256, 1))))
    full, half = len(compiled(net)), len(compiled(net, dtype="float16"))
    assert 0.5 < half / full < 0.56


@pytest.mark.parametrize("form", FORMS)
def test_float16_is_near(form: str) -> None:
    net = network("n", (linear("linear1", LARGER["edges"]), linear("linear2", Kron(3, 5, 30, 1))))
    weights = weights_of(net)
    agree(net, weights, compiled(net, weights, sparse=form, dtype="float16"), tolerance=3e-3)


@pytest.mark.parametrize(
    "fabric", [Kron(1, 3, 3, 1), FanIn(40, random_table(50, 40, 2))], ids=["dense", "sparse"]
)
def test_weights_beyond_float16_are_an_error(fabric: Fabric) -> None:
    net, sink = network("n", (linear("linear1", fabric),)), Sink()
    weights = weights_of(net)
    weights["linear1.weight"].reshape(-1)[0] = -65520
    with pytest.raises(NfcError) as error:
        compiled(net, weights, sink, dtype="float16")
    (found,) = error.value.diagnostics
    assert found.code == "NF620"
    assert "`linear1`" in found.message
    assert "65520" in found.message
    weights["linear1.weight"].reshape(-1)[0] = 65519
    compiled(net, weights, dtype="float16")


def test_a_model_beyond_protobufs_limit_is_an_error() -> None:
    """Weights of 4 GiB that take no memory: one number seen from everywhere."""
    net = network("n", (linear("linear1", Kron(1, 2**15, 2**15, 1), bias=False),))
    weights = {"linear1.weight": np.broadcast_to(np.float32(0), (2**15, 2**15))}
    with pytest.raises(NfcError) as error:
        compiled(net, weights)
    (found,) = error.value.diagnostics
    assert found.code == "NF620"
    assert "`linear1.weight`" in found.message


def test_the_limit_counts_what_is_written() -> None:
    net = network("n", (linear("linear1", LARGER["edges"]), linear("linear2", Kron(3, 5, 30, 1))))
    for form in FORMS:
        size = len(compiled(net, sparse=form))
        compiled(net, sparse=form, file_limit=size)
        with pytest.raises(NfcError):
            compiled(net, sparse=form, file_limit=size - 1000)


def test_missing_edges_are_zero_in_the_file() -> None:
    net = network("n", (linear("linear1", FABRICS["restricted"]),))
    weights = weights_of(net)
    arrays = initializers(compiled(net))
    stored = sum(np.count_nonzero(a) for name, a in arrays.items() if name.endswith("weight"))
    assert (
        stored
        == edge_count(FABRICS["restricted"])
        == sum(w.size for k, w in weights.items() if "fabric" in k)
    )
