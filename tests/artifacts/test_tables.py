"""State dicts and index files against their spec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from nfc import NfcError, load
from nfc.api import Network
from nfc.artifacts.verify import verify
from nfc.ir.initial_weights import initial_weights
from nfc.source import Source
from nfc.weights import write_weights

TEXT = """\
nf 1
network net {
    input 64
    wide: linear 64 via random(fan_in=3, seed=1)
    relu
    head: linear 10
}
"""


def network_of(text: str) -> Network:
    return load(Source("net.nf", text)).network


@pytest.fixture
def state(tmp_path: Path) -> str:
    network = network_of(TEXT)
    path = tmp_path / "net.safetensors"
    write_weights(path, initial_weights(network.ir, 3), network.ir)
    return str(path)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    data = network_of(TEXT).torch_source().index_bytes
    assert data is not None
    path = tmp_path / "net.index.safetensors"
    path.write_bytes(data)
    return path


def test_a_state_dict_of_the_network_is_verified(state: str) -> None:
    assert verify(state, network_of(TEXT)) == ()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("seed=1", "seed=2", "NF752"),
        ("linear 10", "linear 10 bias=false", "NF753"),
        ("head:", "out:", "NF753"),
    ],
)
def test_a_state_dict_of_another_network_fails(state: str, old: str, new: str, code: str) -> None:
    assert {each.code for each in verify(state, network_of(TEXT.replace(old, new)))} == {code}


def test_index_tables_are_compared_number_by_number(index: Path) -> None:
    network = network_of(TEXT)
    assert verify(str(index), network) == ()
    tables = load_file(index)
    tables["wide.table"][7, 1] = (tables["wide.table"][7, 1] + 1) % 64
    save_file(tables, index, metadata={"digest": "as it was"})
    (found,) = verify(str(index), network)
    assert found.code == "NF513"
    assert "in `wide`: the table `wide.table` holds" in found.message
    assert "at [7, 1]" in found.message
    assert found.span is not None
    assert found.span.line == 4


def test_missing_and_foreign_tables_fail(index: Path) -> None:
    network = network_of(TEXT)
    save_file({"other.table": np.zeros((2, 2), np.int32)}, index, metadata={"digest": "none"})
    (found,) = verify(str(index), network)
    assert "the table `other.table` is none of that network" in found.message


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0not json"])
def test_damaged_files_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(data)
    with pytest.raises(NfcError) as raised:
        verify(str(tmp_path / "net.safetensors"), network_of(TEXT))
    assert [each.code for each in raised.value.diagnostics] == ["NF755"]
