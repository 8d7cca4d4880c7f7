"""Whole emitted files, to be read: what changes here changes what users keep in their repositories."""

from __future__ import annotations

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from nfc.backends.torch_source import emit_torch
from nfc.ir.factors import Kron
from nfc.ir.network import Repeat, Reshape
from nfc.lowering import lower
from nfc.version import VERSION
from tests.build import FABRICS, butterfly, linear, network
from tests.torch.networks import NETWORKS, activation, with_draws


class PythonText(SingleFileSnapshotExtension):
    file_extension = "py.txt"
    _write_mode = WriteMode.TEXT


def mnist():
    copies = tuple(
        (
            linear(f"repeat1.{copy}.linear1", butterfly(16, radix=4)),
            activation(f"repeat1.{copy}.relu1", (16,), "relu"),
        )
        for copy in range(2)
    )
    return network(
        "mnist",
        (
            Reshape(path="flatten1", input=(4, 4), output=(16,)),
            Repeat(path="repeat1", input=(16,), output=(16,), copies=copies),
            linear("head", Kron(1, 10, 16, 1)),
        ),
    )


GOLDEN = {
    "mnist": with_draws(mnist()),
    "fitted": with_draws(network("fitted", (linear("linear1", FABRICS["restricted"]),))),
    "repeats": NETWORKS["repeats"],
    "orthogonal": with_draws(network("orthogonal", (linear("linear1", FABRICS["blocks"]),)), orthogonal=True),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_emitted_source(name, snapshot):
    text = emit_torch(lower(GOLDEN[name])).text.replace(f"nfc {VERSION}", "nfc VERSION")
    assert text == snapshot(extension_class=PythonText, name=name)
