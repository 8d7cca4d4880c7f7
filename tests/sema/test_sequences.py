"""Operations on sequences: their shapes, their layers, and what is said where they do not fit."""

from __future__ import annotations

import pytest

from nfc.ir.fabric import edge_count
from nfc.ir.network import Linear, walk
from nfc.ir.sequences import Attention, vocabulary
from tests.sema.programs import analyse, at, codes, in_network, network


def messages(body: str, *definitions: str) -> list[str]:
    _, found = analyse(in_network(body, *definitions))
    return [each.message for each in found]


def test_shapes() -> None:
    found = network("input 6\nembed 9 8\nposition 8\nattention 2\ntranspose\ntranspose\nlinear 3")
    shapes = [op.output for op in found.body]
    assert shapes == [(6, 8), (6, 8), (6, 8), (8, 6), (6, 8), (6, 3)]
    assert vocabulary(found.body) == 9


def test_transpose_swaps_the_last_two_axes() -> None:
    assert network("input [2, 3, 4]\ntranspose").output == (2, 4, 3)


def test_the_layers_of_attention() -> None:
    found = network("input [6, 8]\ninit kaiming\nattn: attention 2 bias=false init=xavier via random(3)")
    attention = at(found, "attn")
    assert isinstance(attention, Attention)
    layers = [op for op in walk(found.body) if isinstance(op, Linear)]
    assert [layer.path for layer in layers] == ["attn.q", "attn.k", "attn.v", "attn.o"]
    assert {layer.scheme for layer in layers} == {"xavier"}
    assert {layer.topology for layer in layers} == {"random(3)"}
    assert not any(layer.bias for layer in layers)
    assert [edge_count(layer.fabric) for layer in layers] == [24] * 4


def test_automatic_seeds_differ_between_layers_and_written_ones_agree() -> None:
    def fabrics(topology: str) -> int:
        found = network(f"input [6, 64]\nattention 2 via {topology}")
        return len({op.fabric for op in walk(found.body) if isinstance(op, Linear)})

    assert fabrics("random(3)") == 4
    assert fabrics("random(3, seed=1)") == 1


def test_attention_without_words_is_dense_with_a_bias_and_sees_all() -> None:
    attention = at(network("input [6, 8]\nattention 4"), "attention1")
    assert isinstance(attention, Attention)
    assert (attention.heads, attention.causal, attention.q.bias, attention.q.topology) == (
        4,
        False,
        True,
        "dense",
    )
    assert at(network("input [6, 8]\nattention 4 causal=true"), "attention1").causal  # type: ignore[attr-defined]


def test_an_embedding_may_begin_a_network_that_begins_another() -> None:
    found = network(
        "input 6\nempty\ntokens\nlinear 3",
        "network tokens { input 6; embed 9 8 }",
        "network empty { input 6 }",
    )
    assert vocabulary(found.body) == 9


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("input 6\nrelu\nembed 9 8", "`embed` reads token ids, so it is the first operation"),
        ("input 6\nresidual { embed 9 8 }", "`embed` reads token ids, so it is the first operation"),
        ("input 6\nrepeat 1 { embed 9 8 }", "`embed` reads token ids, so it is the first operation"),
        (
            "input 6\nsum { { embed 9 8 } { embed 9 8 } }",
            "`embed` reads token ids, so it is the first operation",
        ),
        ("input 6\nembed 9 6\nembed 9 6", "`embed` reads token ids, so it is the first operation"),
        ("input 6\nrelu\ntokens", "the network `tokens` reads token ids, so it is the first operation"),
        ("input [2, 6]\nembed 9 8", "one axis of them; [2, 6] arrives here"),
        ("input 8\nattention 2", "`attention` works on a sequence [T, D]; [8] arrives here"),
        ("input [2, 3, 8]\nattention 2", "`attention` works on a sequence [T, D]; [2, 3, 8] arrives"),
        ("input [6, 8]\nattention 3", "3 does not divide 8"),
        ("input [6, 8]\nattention 16", "16 does not divide 8"),
        ("input 8\nposition 8", "`position` works on a sequence [T, D]; [8] arrives here"),
        ("input [6, 8]\nposition 6", "`position 6` adds 6 numbers at each position; [6, 8] holds 8 there"),
        ("input 8\ntranspose", "`transpose` swaps the last two axes; [8] has one alone"),
        ("input [6, 8]\nattention 2 via random(9)", "9"),
        ("input 6\nembed 9 8 init=xavier", "`init`"),
        ("input 6\nembed 1048576 4096", "holds more than"),
    ],
)
def test_what_does_not_fit_is_said(body: str, message: str) -> None:
    found = messages(body, "network tokens { input 6; embed 9 8 }")
    assert message in found[0]


@pytest.mark.parametrize(
    ("heads", "hint"),
    [(3, "`attention 2` or `attention 4`"), (16, "`attention 8`"), (7, "`attention 4` or `attention 8`")],
)
def test_heads_that_fit_are_named(heads: int, hint: str) -> None:
    _, found = analyse(in_network(f"input [6, 8]\nattention {heads}"))
    (diagnostic,) = found
    assert diagnostic.code == "NF301"
    assert hint in diagnostic.hints[0]


def test_shapes_go_on_behind_a_mistake() -> None:
    assert codes(in_network("input [6, 8]\nattention 3\nposition 7\npad 4")) == ["NF301"] * 3
