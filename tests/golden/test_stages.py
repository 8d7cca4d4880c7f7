"""Corpus × stages: what each stage makes of each network of the corpus, as files that a review can read.

`pytest tests/golden --snapshot-update` rewrites them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import onnx
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

import nfc
from nfc.backends.onnx_graph import emit_onnx
from nfc.backends.torch_library import library
from nfc.backends.torch_source import emit_torch
from nfc.diagnostics import Sink
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Network
from nfc.ir.text import parse_network, print_network
from nfc.lowering import lower

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.nf"))


class Text(SingleFileSnapshotExtension):
    """A snapshot that is a text file."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Python(Text):
    file_extension = "py.txt"


@pytest.fixture(params=CORPUS, ids=lambda path: path.stem)
def network(request: pytest.FixtureRequest) -> Network:
    """The last network of a file, initialised."""
    return list(nfc.load(request.param).networks.values())[-1].ir


def test_ir(network: Network, snapshot: SnapshotAssertion) -> None:
    text = print_network(network)
    assert print_network(parse_network(text)) == text
    assert text == snapshot(extension_class=Text)


def test_torch(network: Network, snapshot: SnapshotAssertion) -> None:
    source = emit_torch(lower(network))
    tables = "".join(
        f"# table {name}: {table.dtype} {list(table.shape)}\n"
        for name, table in sorted(source.tables.items())
    )
    assert own_text(source.text) + tables == snapshot(extension_class=Python)


def own_text(module: str) -> str:
    """An emitted module with a line for each helper of the library: their texts are sources of nfc."""
    lines = module.splitlines(keepends=True)
    for node in reversed(ast.parse(module).body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in library():
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            lines[first - 1 : node.end_lineno] = [f"# {node.name}\n"]
    return re.sub(r"(?<=\n)(# \w+\n)\n+(?=# \w+\n)", r"\1", "".join(lines))


def test_onnx(network: Network, snapshot: SnapshotAssertion) -> None:
    model = onnx.load_from_string(emit_onnx(lower(network), initial_weights(network, 0), sink=Sink()))
    assert summary(model) == snapshot(extension_class=Text)


def summary(model: onnx.ModelProto) -> str:
    """A model's nodes, its initializers by type and shape, and its metadata, one a line."""
    lines = [f"opset {model.opset_import[0].version}, IR {model.ir_version}"]
    lines += [f"{entry.key} = {entry.value}" for entry in model.metadata_props]
    lines += [f"{kind} {described(value)}" for kind, value in boundary(model.graph)]
    for tensor in model.graph.initializer:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type).lower()
        lines.append(f"initializer {tensor.name}: {kind} {list(tensor.dims)}")
    for node in model.graph.node:
        attributes = "".join(f" {attribute.name}={value_of(attribute)}" for attribute in node.attribute)
        lines.append(f"{', '.join(node.output)} = {node.op_type}({', '.join(node.input)}){attributes}")
    return "\n".join(lines) + "\n"


def boundary(graph: onnx.GraphProto) -> list[tuple[str, onnx.ValueInfoProto]]:
    return [*(("input", value) for value in graph.input), *(("output", value) for value in graph.output)]


def described(value: onnx.ValueInfoProto) -> str:
    shape = [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
    return f"{value.name}: {shape}"


def value_of(attribute: onnx.AttributeProto) -> str:
    value = onnx.helper.get_attribute_value(attribute)
    return f"tensor {list(value.dims)}" if isinstance(value, onnx.TensorProto) else str(value)
