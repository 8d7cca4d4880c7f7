"""Emitted PyTorch modules against their spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfc import NfcError, load
from nfc.api import Network
from nfc.artifacts.verify import verify
from nfc.source import Source
from tests.artifacts.test_tables import TEXT
from tests.documents import ROOT


def network_of(text: str) -> Network:
    return load(Source("net.nf", text)).network


def written(folder: Path, network: Network, seed: int = 0, **options: bool) -> Path:
    source = network.torch_source(seed, **options)
    if source.index_bytes:
        (folder / source.index_name).write_bytes(source.index_bytes)
    path = folder / "net.py"
    path.write_text(source.text, "utf-8")
    return path


@pytest.mark.parametrize("name", ["algebra", "fitted", "names", "stages"])
def test_what_nfc_writes_is_verified(name: str, tmp_path: Path) -> None:
    path = ROOT / "tests" / "corpus" / f"{name}.nf"
    network = list(load(path).networks.values())[-1]
    assert verify(str(written(tmp_path, network, 5)), network) == ()
    commented = load(Source("other.nf", f"# a remark\n{path.read_text('utf-8')}"))[network.name]
    assert verify(str(written(tmp_path, network, fuse=False)), commented) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("seed=1", "seed=2"), ("linear 10", "linear 11"), ("relu", "gelu"), ("fan_in=3", "fan_in=4")],
)
def test_a_module_of_another_network_fails(old: str, new: str, tmp_path: Path) -> None:
    path = written(tmp_path, network_of(TEXT.replace(old, new)))
    (found,) = verify(str(path), network_of(TEXT))
    assert found.code == "NF513"


def test_tampered_text_and_tables_fail(tmp_path: Path) -> None:
    network = network_of(TEXT)
    path = written(tmp_path, network)
    text = path.read_text("utf-8")
    path.write_text(text.replace("relu", "tanh"), "utf-8")
    (found,) = verify(str(path), network)
    assert "tanh" in found.message
    path.write_text(f"{text}\nprint(1)\n", "utf-8")
    assert [each.code for each in verify(str(path), network)] == ["NF513"]
    path.write_text(text, "utf-8")
    index = tmp_path / network.torch_source().index_name
    data = bytearray(index.read_bytes())
    data[-40] ^= 1
    index.write_bytes(data)
    assert [each.code for each in verify(str(path), network)] == ["NF513"]
    index.unlink()
    with pytest.raises(NfcError) as raised:
        verify(str(path), network)
    assert [each.code for each in raised.value.diagnostics] == ["NF702"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_bytes(b"\xff\xfe")
    with pytest.raises(NfcError) as raised:
        verify(str(tmp_path / "net.py"), network_of(TEXT))
    assert [each.code for each in raised.value.diagnostics] == ["NF755"]


def test_another_wording_of_the_same_edges_is_verified(tmp_path: Path) -> None:
    path = written(tmp_path, network_of(TEXT))
    reworded = TEXT.replace("random(fan_in=3, seed=1)", "random( seed = 1,fan_in=3 )")
    assert reworded != TEXT
    assert verify(str(path), network_of(reworded)) == ()


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_code_that_a_comment_swallows_is_missed(end: str, tmp_path: Path) -> None:
    network = network_of(TEXT)
    path = written(tmp_path, network)
    text = path.read_text("utf-8")
    comment = "# topology: random(fan_in=3, seed=1)\n"
    assert comment in text
    path.write_text(text.replace(comment, comment.replace("\n", end)), "utf-8")
    (found,) = verify(str(path), network)
    assert found.code == "NF513"


@pytest.mark.parametrize("encoding", ["unicode_escape", "utf-7", "no_such_encoding"])
def test_encodings_in_which_comments_are_code_are_refused(encoding: str, tmp_path: Path) -> None:
    network = network_of(TEXT)
    path = written(tmp_path, network)
    head = f"# coding: {encoding}\n# \\nprint(1) +AAo-print(1)\n"
    path.write_text(head + path.read_text("utf-8"), "utf-8")
    with pytest.raises(NfcError) as raised:
        verify(str(path), network)
    assert [each.code for each in raised.value.diagnostics] == ["NF755"]


@pytest.mark.parametrize("head", ["\ufeff", "# coding: utf-8\n", "# one more\r\n"])
def test_comments_and_line_ends_count_nothing(head: str, tmp_path: Path) -> None:
    network = network_of(TEXT)
    path = written(tmp_path, network)
    text = path.read_text("utf-8").replace("\n", "\r\n")
    path.write_bytes(f"{head}{text}".encode())
    assert verify(str(path), network) == ()
