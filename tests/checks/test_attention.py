"""Checks of attention: its four layers by path and by kind, and what they add to a network."""

from __future__ import annotations

import pytest

import nfc
from nfc.source import Source

NETWORK = """nf 1
network n {
    input 6
    embed 9 8
    position 8
    repeat 2 { residual { attn: attention 2 via monarch } }
    head: linear 9
}
check n {
"""


def report(*assertions: str) -> nfc.Report:
    text = NETWORK + "\n".join(assertions) + "\n}\n"
    return nfc.load(Source("n.nf", text)).check()


@pytest.mark.parametrize(
    "assertion",
    [
        "repeat1.residual1.attn.q.density == 75%",
        "repeat1.0.residual1.attn.o.fan_in.max <= 4",
        "repeat1.residual1.attn.v.flops == 2 * 48 * 6",
        "repeat1.residual1.attn.k.params == 48 + 8",
        "params == 9*8 + 6*8 + 2 * 4 * 56 + 8*9 + 9",
        "bytes == 4 * params",
        "edges == 2 * 4 * 48 + 72",
        "density == (2 * 4 * 48 + 72) / (2 * 4 * 64 + 72)",
        "flops == 2 * (4 * 2 * 48 * 6 + 4 * 6**2 * 8) + 2 * 72 * 6",
        "depth == 2 * (2 + 2) + 1",
    ],
)
def test_properties(assertion: str) -> None:
    found = report(assertion)
    assert found.ok, found.diagnostics


def visited(kind: str) -> list[str | None]:
    return [result.layer for result in report(f"each {kind} {{ connected }}").results]


def test_kinds() -> None:
    fabrics = [f"repeat1.residual1.attn.{label}" for label in "qkvo"]
    assert visited("attention") == fabrics
    assert visited("linear") == ["head"]
    assert visited("layer") == [*fabrics, "head"]


def test_attention_itself_has_no_properties() -> None:
    (diagnostic,) = report("repeat1.residual1.attn.density < 1").diagnostics
    assert diagnostic.code == "NF503"
    assert "is an attention" in diagnostic.message
    assert "repeat1.residual1.attn.q" in diagnostic.hints[0]


def test_an_each_block_without_attention_is_a_warning() -> None:
    text = "nf 1\nnetwork n { input 4; linear 4 }\ncheck n { each attention { connected } }\n"
    found = nfc.load(Source("n.nf", text)).check()
    assert [each.code for each in found.diagnostics] == ["NF505"]
