"""Operations on sequences in the IR: their rules, their text, and what they compute by their definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nfc.ir.factors import Kron
from nfc.ir.initial_weights import initial_weights
from nfc.ir.interpreter import interpret
from nfc.ir.network import Draw, Inline, Network, Op, walk
from nfc.ir.sequence_rules import SEQUENCE_RULES
from nfc.ir.sequences import Attention, Embed, Position, Transpose, attention_layers, vocabulary
from nfc.ir.tokens import token_ids
from nfc.ir.verify import VerifyError, verify
from tests.build import linear, network, random_values

T, D = 5, 8
DRAW = Draw("uniform", 1.0, 0)


def attention(path: str = "a", *, heads: int = 2, causal: bool = False, bias: bool = True) -> Attention:
    layers = {label: linear(f"{path}.{label}", Kron(1, D, D, 1), leading=(T,), bias=bias) for label in "qkvo"}
    return Attention(path=path, input=(T, D), output=(T, D), heads=heads, causal=causal, **layers)


def embed(**changes: object) -> Embed:
    return replace(Embed(path="e", input=(T,), output=(T, D), vocabulary=7), **changes)


BROKEN: list[tuple[str, Op]] = [
    ("drawn uniformly", embed(draw=Draw("sign", 1.0, 0))),
    ("drawn uniformly", embed(draw=Draw("uniform", float("nan"), 0))),
    ("[T] to [T, D]", embed(output=(T + 1, D))),
    ("[T] to [T, D]", embed(output=(T, D, 2))),
    ("there is a token", embed(vocabulary=0)),
    ("the shape is [T, D]", Position(path="p", input=(D,), output=(D,))),
    ("the shape is [T, D]", Position(path="p", input=(T, D), output=(T, D + 1))),
    ("axes change places", Transpose(path="t", input=(2, T, D), output=(D, T, 2))),
    ("axes change places", Transpose(path="t", input=(T,), output=(T,))),
    ("heads divide", attention(heads=3)),
    ("heads divide", attention(heads=0)),
    ("called `q`", replace(attention(), q=attention().k, k=attention().q)),
]


@pytest.mark.parametrize(("sentence", "op"), BROKEN)
def test_broken_operations_are_named(sentence: str, op: Op) -> None:
    with pytest.raises(VerifyError) as caught:
        verify(network("broken", (op,)))
    assert caught.value.place == op.path
    assert sentence in caught.value.rule


def test_every_rule_is_broken_once() -> None:
    fragments = [sentence for sentence, _ in BROKEN]
    assert [r.sentence for r in SEQUENCE_RULES if not any(part in r.sentence for part in fragments)] == []


def test_an_embedding_comes_first() -> None:
    verify(network("well", (embed(),)))
    inner = Inline(path="i", input=(T,), output=(T, D), network="other", body=(embed(path="i.e"),))
    empty = Inline(path="j", input=(T,), output=(T,), network="empty", body=())
    verify(network("well", (empty, inner)))
    crop = Transpose(path="t", input=(1, T), output=(T, 1))
    late = embed(path="late", input=(T,), output=(T, D))
    with pytest.raises(VerifyError, match="an embedding reads the network's input"):
        verify(network("broken", (linear("l", Kron(1, T, T, 1)), late)))
    assert vocabulary((empty, inner)) == 7
    assert vocabulary((crop,)) is None


def test_streams_of_tables_are_their_own() -> None:
    tables = (embed(draw=DRAW), Position(path="p", input=(T, D), output=(T, D), draw=DRAW))
    with pytest.raises(VerifyError, match="a stream of its own"):
        verify(network("broken", tables))


def test_attention_holds_its_layers_in_order() -> None:
    net = network("n", (attention(),))
    assert [op.path for op in walk(net.body)] == ["a", "a.q", "a.k", "a.v", "a.o"]
    assert attention_layers(net) == {"a.q", "a.k", "a.v", "a.o"}


def random_weights(net: Network) -> dict[str, np.ndarray]:
    drawn = {
        layer.path: random_values((D, D), seed) / np.sqrt(D)
        for seed, layer in enumerate(op for op in walk(net.body) if "." in op.path)
    }
    biases = {f"{path}.bias": random_values((D,), 9 + seed) for seed, path in enumerate(drawn)}
    return {**{f"{path}.weight": value for path, value in drawn.items()}, **biases}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 8])
def test_attention_is_that_of_pytorch(heads: int, causal: bool) -> None:
    net = network("n", (attention(heads=heads, causal=causal),))
    weights = random_weights(net)
    peer = torch.nn.MultiheadAttention(D, heads, batch_first=True).double()
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in weights.items()}
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([tensors[f"a.{label}.weight"] for label in "qkv"]))
        peer.in_proj_bias.copy_(torch.cat([tensors[f"a.{label}.bias"] for label in "qkv"]))
        peer.out_proj.weight.copy_(tensors["a.o.weight"])
        peer.out_proj.bias.copy_(tensors["a.o.bias"])
    x = random_values((3, T, D))
    hidden = torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1) if causal else None
    value = torch.tensor(x, dtype=torch.float64)
    expected, _ = peer(value, value, value, attn_mask=hidden, need_weights=False)
    np.testing.assert_allclose(interpret(net, weights, x), expected.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_embeddings_positions_and_transposes_by_their_definitions() -> None:
    body = (
        embed(draw=DRAW),
        Position(path="p", input=(T, D), output=(T, D), draw=replace(DRAW, stream=1)),
        Transpose(path="t", input=(T, D), output=(D, T)),
    )
    net = network("n", body)
    weights = initial_weights(net, seed=3)
    ids = np.array([[0, 6, 6, 1, 2], [5, 4, 3, 2, 1]])
    rows = np.stack([[weights["e.weight"][token] for token in sample] for sample in ids])
    expected = (rows + weights["p.weight"].astype(np.float64)).transpose(0, 2, 1)
    np.testing.assert_array_equal(interpret(net, weights, ids), expected)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.array([[0, 1, 2, 3, 7]]), "0..<7, found 7"),
        (np.array([[0, 1, -1, 3, 4]]), "0..<7, found -1"),
        (np.ones((1, T)), "integers, found float64"),
        (np.ones((1, T), bool), "integers, found bool"),
    ],
)
def test_wrong_token_ids_are_refused(ids: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        token_ids(ids, 7)
    net = network("n", (embed(draw=DRAW),))
    with pytest.raises(ValueError, match=message):
        interpret(net, initial_weights(net, 0), ids)


def test_tables_are_drawn_with_second_moment_one() -> None:
    table = initial_weights(network("n", (embed(output=(T, 64), vocabulary=500, draw=DRAW),)), 1)["e.weight"]
    assert table.shape == (500, 64)
    assert np.mean(table**2) == pytest.approx(1.0, rel=0.02)
    assert np.abs(table).max() <= np.sqrt(3.0)
