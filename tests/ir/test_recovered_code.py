"""A mask and the standard topology with the same edges give the same emitted code."""

from __future__ import annotations

import pytest

import nfc

SPEC = """nf 1
mask same[o, i] = o // 8 == i // 8
mask stage[o, i] = o // 32 == i // 32 and o % 4 == i % 4
mask cube[o] = { o } + { o xor 2**b for b in 0..<log2(cols) }
mask ring[o] = { (o + d + cols) % cols for d in -2..2 }
network n { input COLS; linear ROWS via TOPOLOGY }
"""


def emitted(topology: str, rows: int, cols: int) -> tuple[list[str], set[str], str]:
    """The lines of code without comments, the names of the tables, and the digest of the wiring."""
    text = SPEC.replace("TOPOLOGY", topology).replace("ROWS", str(rows)).replace("COLS", str(cols))
    network = nfc.load(nfc.Source("n.nf", text)).network
    source = network.torch_source()
    code = [line for line in source.text.splitlines() if not line.strip().startswith("#")]
    return code, {*source.tables}, network.digest


@pytest.mark.parametrize(
    ("mask", "topology", "rows", "cols"),
    [
        ("same", "block(size=8)", 64, 64),
        ("same", "block(size=8)", 60, 64),
        ("same", "block(size=8)", 64, 60),
        ("stage", "transpose(transpose(stage))", 64, 64),
        ("cube", "hypercube", 64, 64),
        ("ring", "band(width=2, wrap=true)", 64, 64),
        ("ring", "ring | ring", 64, 64),
        ("same & ring", "ring & same", 64, 64),
        ("kron(dense, dense, size=8) & same", "block(size=8)", 64, 64),
    ],
)
def test_equal_edges_are_equal_code(mask: str, topology: str, rows: int, cols: int) -> None:
    assert emitted(mask, rows, cols) == emitted(topology, rows, cols)
