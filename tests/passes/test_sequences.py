"""The initialisation pass on sequences: targets of attention's layers, and the draws of tables."""

from __future__ import annotations

import numpy as np
import pytest

import nfc
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import walk, weighted_layers
from nfc.ir.sequences import Table
from nfc.passes.initialise import EMBEDDING_STD, POSITION_STD
from nfc.passes.targets import layer_targets
from nfc.philox import uniform
from nfc.source import Source


def network(body: str) -> nfc.Network:
    return nfc.load(Source("n.nf", f"nf 1\nnetwork n {{ {body} }}\n")).network


def test_only_the_last_layer_of_attention_answers_what_follows() -> None:
    net = network("input [4, 8]; repeat 3 { residual { attention 2 } }; attn: attention 2; relu")
    targets = layer_targets(net.ir)
    assert {targets[f"repeat1.1.residual1.attention1.{label}"] for label in "qkv"} == {1.0}
    assert targets["repeat1.1.residual1.attention1.o"] == pytest.approx(1 / 3)
    assert targets["attn.o"] == 2.0
    assert targets["attn.v"] == 1.0


def test_transposes_and_positions_are_looked_through() -> None:
    targets = layer_targets(network("input [4, 8]; linear 8; position 8; transpose; relu").ir)
    assert targets == {"linear1": 2.0}


def test_tables_take_streams_in_order_of_execution() -> None:
    net = network("input 4; embed 5 8; linear 8; position 8; attention 2; linear 3").ir
    (embed, position) = (op for op in walk(net.body) if isinstance(op, Table))
    layers = [draw.stream for layer in weighted_layers(net) for draw in layer.draws or ()]
    assert embed.draw is not None
    assert position.draw is not None
    assert (embed.draw.stream, embed.draw.std) == (0, EMBEDDING_STD)
    assert (position.draw.stream, position.draw.std) == (2, POSITION_STD)
    assert layers == [1, 3, 4, 5, 6, 7]


def test_a_table_is_the_uniform_numbers_of_its_stream_row_by_row() -> None:
    net = network("input 4; embed 5 8; position 8").ir
    weights = initial_weights(net, seed=11)
    for name, stream, shape, std in (("embed1", 0, (5, 8), 1.0), ("position1", 1, (4, 8), 0.1)):
        numbers = std * np.sqrt(3.0) * (2.0 * uniform(11, stream, shape[0] * shape[1]) - 1.0)
        np.testing.assert_array_equal(weights[f"{name}.weight"], numbers.reshape(shape).astype(np.float32))
