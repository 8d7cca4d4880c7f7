from __future__ import annotations

import pytest

from nfc.analysis.totals import dense_parameters
from nfc.api import Network, load
from nfc.bench.twin import dense_twin, twin_memory
from nfc.ir.network import Linear, walk
from nfc.source import Source
from tests.build import FABRICS, linear, network

NESTED = """nf 1
network part16 { input 16; linear 16 via butterfly; norm layer }
network whole {
    input [2, 8]
    residual { linear 8 via diagonal; relu }
    flatten
    residual { part16 }
    repeat 2 { linear 16 init=orthogonal via butterfly; norm batch }
    sum { { linear 8 via random(fan_in=3) } { linear 8 bias=false via lowrank(rank=2) } }
    concat { { linear 4 via block(count=2) } { linear 5 } }
    residual project=true { linear 6 via random(fan_in=2) }
}
"""


def whole() -> Network:
    return load(Source("nested.nf", NESTED))["whole"]


@pytest.mark.parametrize("name", FABRICS)
def test_a_layer_gets_a_weight_for_every_pair(name: str) -> None:
    fabric = FABRICS[name]
    twin = dense_twin(Network(network("net", (linear("head", fabric),))))
    (layer,) = twin.layers
    assert (layer.fabric.rows, layer.fabric.cols) == (fabric.rows, fabric.cols)
    assert twin.params == fabric.rows * fabric.cols + fabric.rows
    assert twin.density == 1.0


def test_layers_in_all_places_are_replaced_and_the_rest_stays() -> None:
    sparse, twin = whole(), dense_twin(whole())
    weights = 8 * 8 + 16 * 16 + 2 * 16 * 16 + 2 * 8 * 16 + 4 * 8 + 5 * 8 + 6 * 9 + 6 * 9
    others = sparse.params - sparse.edges
    assert twin.params == weights + others
    assert [layer.name for layer in twin.layers] == [layer.name for layer in sparse.layers]
    for mine, other in zip(walk(twin.ir.body), walk(sparse.ir.body), strict=True):
        assert (type(mine), mine.path, mine.input, mine.output) == (
            type(other), other.path, other.input, other.output,
        )  # fmt: skip
        assert not isinstance(mine, Linear) or mine.bias == other.bias  # type: ignore[attr-defined]


def test_the_network_itself_is_left_alone() -> None:
    sparse = whole()
    before = (sparse.digest, sparse.params)
    dense_twin(sparse)
    assert (sparse.digest, sparse.params) == before


def test_parameters_are_counted_without_building_the_twin() -> None:
    assert dense_parameters(whole().ir) == dense_twin(whole()).params


def test_memory_grows_with_weights_and_with_the_batch() -> None:
    net = Network(network("net", (linear("head", FABRICS["butterfly"], bias=False),)))
    assert twin_memory(net, 3) == 16 * 8 * 8 + 8 * 3 * 8


def test_the_twin_runs_in_torch() -> None:
    import torch

    shapes = {tuple(weight.shape) for weight in dense_twin(whole()).torch().parameters() if weight.dim() == 2}
    assert shapes == {(8, 8), (16, 16), (8, 16), (4, 8), (5, 8), (6, 9)}
    assert dense_twin(whole()).torch()(torch.zeros(3, 2, 8)).shape == (3, 6)
