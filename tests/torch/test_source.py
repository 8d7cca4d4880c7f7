"""The emitted text: formatted, free of what it does not use, the same every time, standing alone."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
import torch

from nfc.backends.torch_library import library
from nfc.backends.torch_module import build_module
from nfc.backends.torch_source import TorchSource, emit_torch
from nfc.diagnostics import NfcError
from nfc.ir.deviations import KINDS
from nfc.ir.fabric import Cascade, Sum
from nfc.ir.factors import Kron
from nfc.ir.network import Repeat
from nfc.lowering import lower
from nfc.version import VERSION
from tests.build import FABRICS, butterfly, linear, network, random_values
from tests.torch.networks import NETWORKS, activation, one_layer, random_edges, random_fan_in, with_draws

SOURCES = {name: emit_torch(lower(net)) for name, net in NETWORKS.items()}


def write(source: TorchSource, folder) -> None:
    (folder / f"{source.stem}.py").write_text(source.text, encoding="utf-8")
    if source.index_bytes is not None:
        (folder / source.index_name).write_bytes(source.index_bytes)


def test_ruff_has_nothing_to_say(tmp_path):
    long = with_draws(network("long", (linear("a_rather_long_label_for_a_layer", butterfly(256)),)))
    for name, source in {**SOURCES, "long": emit_torch(lower(long))}.items():
        (tmp_path / f"{name}.py").write_text(source.text, encoding="utf-8")
    for command in (["format", "--check", "--diff", "--line-length", "100"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NETWORKS)
def test_only_used_helpers_and_imports_are_printed(name):
    tree = ast.parse(SOURCES[name].text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    helpers = [helper for helper in defined if helper in library()]
    assert set(helpers) <= names
    assert ("safetensors" in SOURCES[name].text) == bool(SOURCES[name].tables)


def test_the_header_names_the_source_without_path_or_date():
    first, second = SOURCES["norms"].text.splitlines()[:2]
    assert first == f"# Compiled from norms.nf by nfc {VERSION}."
    assert second == f"# The source's digest is sha256:{'0' * 64}."


@pytest.mark.parametrize("name", ["repeats", "every_fabric"])
def test_a_file_runs_without_nfc(name, tmp_path):
    source = SOURCES[name]
    write(source, tmp_path)
    x = random_values((3, *NETWORKS[name].input))
    np.save(tmp_path / "x.npy", x)
    script = (
        "import sys, numpy, torch\n"
        f"from {source.stem} import {source.class_name}\n"
        f"y = {source.class_name}(seed=3).eval()(torch.from_numpy(numpy.load('x.npy')))\n"
        "numpy.save('y.npy', y.detach().numpy())\n"
        "assert not any(name.split('.')[0] == 'nfc' for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    expected = build_module(lower(NETWORKS[name]), seed=3).eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)


def test_tables_of_another_module_are_refused(tmp_path):
    from importlib.util import module_from_spec, spec_from_file_location

    source = emit_torch(lower(one_layer(random_fan_in(8, 3, 0))))
    write(source, tmp_path)
    other = emit_torch(lower(one_layer(random_fan_in(8, 3, 1))))
    (tmp_path / source.index_name).write_bytes(other.index_bytes)
    spec = spec_from_file_location("net_with_wrong_tables", tmp_path / "net.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(RuntimeError, match="is not the file that was made with this module"):
        module.Net()


def test_tables_have_the_documented_types():
    types = {}
    for source in SOURCES.values():
        for name, table in source.tables.items():
            types.setdefault(name.rpartition(".")[2], set()).add(table.dtype.name)
    indices = ("places", "row_sets", "col_sets", "table", "indptr", "indices")
    deviations = {field.name for kind in KINDS.values() for field in fields(kind)} & types.keys()
    assert "scale" in deviations
    widths = {"int32": indices, "float64": deviations}
    assert types == {name: {width} for width, names in widths.items() for name in names}


def test_shifts_need_no_index_file():
    layer = with_draws(network("net", (linear("linear1", FABRICS["hypercube"]),)))
    assert emit_torch(lower(layer)).index_bytes is None


def test_the_same_plan_gives_the_same_bytes_in_another_process(tmp_path):
    script = (
        "from hashlib import sha256\n"
        "from tests.torch.test_source import SOURCES\n"
        "for s in SOURCES.values():\n"
        "    print(sha256(s.text.encode() + (s.index_bytes or b'')).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": "."},
    )
    from hashlib import sha256

    here = [sha256(s.text.encode() + (s.index_bytes or b"")).hexdigest() for s in SOURCES.values()]
    assert done.stdout.split() == here


def test_two_hundred_layers_stay_a_short_file():
    def copy(number: int, fabric):
        path = f"repeat1.{number}."
        return (linear(f"{path}linear1", fabric), activation(f"{path}relu1", (64,), "relu"))

    for make in (
        lambda _: butterfly(64),
        lambda seed: random_fan_in(64, 4, seed),
        lambda s: random_edges(64, s),
    ):
        copies = tuple(copy(number, make(number)) for number in range(200))
        repeat = Repeat(path="repeat1", input=(64,), output=(64,), copies=copies)
        source = emit_torch(lower(with_draws(network("deep", (repeat,)))))
        main = source.text[source.text.index("class Repeat1") :]
        assert main.count("class Repeat1") == 1
        assert "for block in self.repeat1:" in main
        assert "in range(200)" in main


def test_alike_parts_of_a_fabric_are_written_once():
    fabric = Sum(tuple(butterfly(16) for _ in range(4)))
    text = emit_torch(lower(one_layer(fabric))).text
    assert text.count("StridedBlockLinear(4, 2, 2, 2)") == 1
    assert "for _ in range(4)" in text


def test_a_fabric_nested_too_deeply_is_a_diagnostic():
    fabric = Kron(4, 1, 1, 1)
    for _ in range(30):
        fabric = Cascade((Sum((fabric, Kron(4, 1, 1, 1))), Kron(4, 1, 1, 1)))
    with pytest.raises(NfcError) as caught:
        emit_torch(lower(one_layer(fabric)))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["NF610"]


def test_without_pytorch_a_module_in_process_is_a_diagnostic(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NfcError) as caught:
        build_module(lower(NETWORKS["norms"]))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "NF610"
    assert "pip install" in diagnostic.hints[0]


def test_a_fabric_at_the_nesting_limit_works():
    fabric = Kron(4, 1, 1, 1)
    for _ in range(20):
        fabric = Cascade((Sum((fabric, Kron(4, 1, 1, 1))), Kron(2, 2, 2, 1)))
    assert build_module(lower(one_layer(fabric)))(torch.ones(2, 4)).shape == (2, 4)


def test_the_source_of_a_module_in_process_can_be_read():
    module = build_module(lower(NETWORKS["branches"]))
    assert inspect.getsource(type(module)).startswith("class Branches(Network):")
    assert type(build_module(lower(NETWORKS["branches"]), seed=1)) is type(module)
