"""Any name that the language admits is safe in an emitted module."""

from __future__ import annotations

import keyword
import subprocess
import sys
from itertools import product

import pytest
import torch

from nfc.backends.torch_library import library
from nfc.backends.torch_module import build_module
from nfc.backends.torch_names import Namespace, camel_case, file_stem, reserved_names
from nfc.backends.torch_source import emit_torch
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.ir.names import MODULE_NAMES, attribute
from nfc.ir.network import Inline, Residual
from nfc.ir.parameters import parameters
from nfc.lowering import lower
from tests.build import FABRICS, butterfly, linear, network, random_values
from tests.torch.networks import random_fan_in, with_draws

LABELS = [
    "x", "self", "torch", "F", "nn", "math", "Tensor", "super", "tables", "draw", "seed", "block", "shortcut",
    "class", "class_", "None", "none", "lambda", "match", "type", "forward", "training", "parameters", "to",
    "half", "train", "state_dict", "reset_parameters", "topology_digest", "requires_grad_", "requires_grad",
    "_x", "__init__", "_", "__", "_parameters", "u_x", "weight", "bias", "fabric", "under", "Draws", "T_destination",
]  # fmt: skip
CLASSES = ["none", "torch", "class", "Module", "linear", "factor", "block_linear", "i", "f", "tensor", "nn", "path",
           "network", "draws", "runtime_error", "true", "_", "_1", "__", "sum", "mnist_small", "LeNet"]  # fmt: skip


def test_every_name_of_a_module_is_known():
    # in a process of its own: libraries that other tests import give modules further names
    code = "import torch; print(*dir(torch.nn.Module()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name for name in run.stdout.split() if not name.startswith("__")} - MODULE_NAMES == set()


def test_attributes_are_one_to_one_and_free():
    stems = ["x", "class", "requires_grad", "match", "None", "uu", "u", "T", "to"]
    labels = {f"{before}{stem}{after}" for before, stem, after in product(
        ("", "_", "__", "u_", "uu_"), (*stems, ""), ("", "_", "__", "___")
    )} - {""}  # fmt: skip
    attributes = {attribute(label) for label in labels}
    assert len(attributes) == len(labels)
    for name in attributes:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert not name.startswith("__") or name.endswith("__"), "Python would mangle it"
        assert name not in MODULE_NAMES
        assert not hasattr(torch.nn.Module(), name)


@pytest.mark.parametrize(
    ("label", "expected"),
    [("head", "head"), ("_x", "_x"), ("match", "match"), ("none", "none"), ("class", "class_"), ("None", "None_"),
     ("forward", "forward_"), ("_modules", "_modules_"), ("__x", "__x___")],
)  # fmt: skip
def test_only_used_names_change(label, expected):
    assert attribute(label) == expected


@pytest.mark.parametrize("label", LABELS)
def test_labels(label):
    body = (
        linear(label, random_fan_in(8, 3, 0)),
        Residual(path="residual1", input=(8,), output=(8,), body=(linear(f"residual1.{label}", butterfly(8)),)),
    )  # fmt: skip
    net = with_draws(network("net", body))
    module = build_module(lower(net), seed=1)
    names = {parameter.name for parameter in parameters(net)}
    assert {name for name, _ in module.named_parameters()} == names
    x = random_values((3, 8))
    expected = interpret(net, initial_weights(net, 1), x)
    assert abs(module(torch.tensor(x)).detach().numpy() - expected).max() < 1e-5


@pytest.mark.parametrize("name", CLASSES)
def test_networks(name):
    inner = Inline(
        path="one", input=(8,), output=(8,), network=name, body=(linear("one.linear1", butterfly(8)),)
    )
    net = with_draws(network(name, (inner, linear("edges", FABRICS["dense"]))))
    source = emit_torch(lower(net))
    assert source.class_name.isidentifier()
    assert source.class_name not in reserved_names()
    module = build_module(lower(net))
    assert type(module).__name__ == source.class_name
    assert type(module.one).__name__ != source.class_name
    assert module(torch.zeros(2, 8)).shape == (2, 6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mnist", "Mnist"), ("mnist_small", "MnistSmall"), ("LeNet", "LeNet"), ("_1", "Network1"), ("__", "Network")],
)  # fmt: skip
def test_camel_case(name, expected):
    assert camel_case(name) == expected


def test_class_names_are_unique():
    names = Namespace()
    assert [names.unique("None"), names.unique("Mnist"), names.unique("Mnist")] == [
        "None_",
        "Mnist",
        "MnistVariant2",
    ]
    assert {"Draws", "Factor", "BlockLinear"} <= set(library()) <= reserved_names()


def test_files_do_not_hide_the_modules_they_import():
    assert [file_stem(name) for name in ("mnist", "torch", "class")] == ["mnist", "torch_", "class_"]


@pytest.mark.parametrize(
    "text", ["a\nimport os", 'b"""', "c\\", "d\x00e", "f\u2028g", "\u202eh", "# fmt: off"]
)
def test_text_from_the_source_stays_in_its_comment(text):
    layer = linear("linear1", FABRICS["dense"])
    wired = type(layer)(**{**vars(layer), "topology": text})
    net = network("net", (wired,))
    named = with_draws(type(net)(**{**vars(net), "source_name": text}))
    lines = emit_torch(lower(named)).text.splitlines()
    plain = emit_torch(lower(with_draws(network("net", (layer,))))).text.splitlines()
    assert len(lines) == len(plain)
    assert all(line.isascii() for line in lines if line.lstrip().startswith("# "))
    assert build_module(lower(named))(torch.zeros(1, 8)).shape == (1, 6)
