"""Sums over a network: trainable numbers, edges, operations, density, depth (LANGUAGE, section 5)."""

from __future__ import annotations

from math import prod

from nfc.ir.fabric import depth, edge_count
from nfc.ir.network import (
    Block,
    Concat,
    Inline,
    Network,
    Op,
    Repeat,
    Residual,
    Sum,
    WeightedLayer,
    walk,
    weighted_layers,
)
from nfc.ir.parameters import parameters, weighted_parameters
from nfc.ir.sequences import Attention


def layer_parameters(layer: WeightedLayer) -> int:
    """Trainable numbers: weights and biases."""
    return sum(parameter.count for parameter in weighted_parameters(layer))


def layer_flops(layer: WeightedLayer) -> int:
    """Multiplications and additions for one sample; biases count nothing."""
    return 2 * weight_count(layer) * layer.positions


def weight_count(layer: WeightedLayer) -> int:
    """Trainable numbers without the bias: an edge has as many as its kernel has positions."""
    return layer_parameters(layer) - (layer.fabric.rows if layer.bias else 0)


def network_parameters(network: Network) -> int:
    """Trainable numbers of all operations."""
    return sum(parameter.count for parameter in parameters(network))


def network_edges(network: Network) -> int:
    return sum(edge_count(layer.fabric) for layer in weighted_layers(network))


def network_flops(network: Network) -> int:
    layers = sum(layer_flops(layer) for layer in weighted_layers(network))
    return layers + sum(attention_flops(op) for op in walk(network.body) if isinstance(op, Attention))


def attention_flops(op: Attention) -> int:
    """What attention does between its four layers: scores and means, T² · D multiplications and additions each."""
    tokens, features = op.input
    return 4 * tokens**2 * features


def network_density(network: Network) -> float:
    """Edges over what dense layers of the same shapes would have; 0 without weighted layers."""
    pairs = _pairs(network)
    return network_edges(network) / pairs if pairs else 0.0


def dense_parameters(network: Network) -> int:
    """Trainable numbers of the dense twin, which has a dense matrix for every fabric."""
    layers = list(weighted_layers(network))
    dense = sum(layer.fabric.rows * layer.fabric.cols * prod(layer.window) for layer in layers)
    return network_parameters(network) - sum(map(weight_count, layers)) + dense


def _pairs(network: Network) -> int:
    """Weights of dense layers of the same shapes."""
    return sum(layer.fabric.rows * layer.fabric.cols for layer in weighted_layers(network))


def network_depth(network: Network) -> int:
    """Weighted factors on the longest path."""
    return _block_depth(network.body)


def _block_depth(block: Block) -> int:
    return sum(_depth(op) for op in block)


def _depth(op: Op) -> int:
    match op:
        case WeightedLayer():
            return depth(op.fabric)
        case Repeat():
            return sum(map(_block_depth, op.copies))
        case Sum() | Concat():
            return max(map(_block_depth, op.branches), default=0)
        case Residual():
            return max(_block_depth(op.body), _depth(op.project) if op.project else 0)
        case Inline():
            return _block_depth(op.body)
        case Attention():
            return max(_depth(op.q), _depth(op.k), _depth(op.v)) + _depth(op.o)
        case _:
            return 0
