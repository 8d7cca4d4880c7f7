"""Sums over a network: trainable numbers, edges, operations, density, depth (LANGUAGE, section 5)."""

from __future__ import annotations

from math import prod

from nfc.ir.fabric import depth, edge_count
from nfc.ir.network import Block, Concat, Inline, Linear, Network, Op, Repeat, Residual, Sum, linear_layers
from nfc.ir.parameters import linear_parameters, parameters


def layer_parameters(layer: Linear) -> int:
    """Trainable numbers: weights and biases."""
    return sum(parameter.count for parameter in linear_parameters(layer))


def layer_flops(layer: Linear) -> int:
    """Multiplications and additions for one sample; biases count nothing."""
    return 2 * edge_count(layer.fabric) * prod(layer.output[:-1])


def network_parameters(network: Network) -> int:
    """Trainable numbers of all operations."""
    return sum(parameter.count for parameter in parameters(network))


def network_edges(network: Network) -> int:
    return sum(edge_count(layer.fabric) for layer in linear_layers(network))


def network_flops(network: Network) -> int:
    return sum(layer_flops(layer) for layer in linear_layers(network))


def network_density(network: Network) -> float:
    """Edges over what dense layers of the same shapes would have; 0 without weighted layers."""
    pairs = _pairs(network)
    return network_edges(network) / pairs if pairs else 0.0


def dense_parameters(network: Network) -> int:
    """Trainable numbers of the dense twin, which has a dense matrix for every fabric."""
    return network_parameters(network) - network_edges(network) + _pairs(network)


def _pairs(network: Network) -> int:
    """Weights of dense layers of the same shapes."""
    return sum(layer.fabric.rows * layer.fabric.cols for layer in linear_layers(network))


def network_depth(network: Network) -> int:
    """Weighted factors on the longest path."""
    return _block_depth(network.body)


def _block_depth(block: Block) -> int:
    return sum(_depth(op) for op in block)


def _depth(op: Op) -> int:
    match op:
        case Linear():
            return depth(op.fabric)
        case Repeat():
            return sum(map(_block_depth, op.copies))
        case Sum() | Concat():
            return max(map(_block_depth, op.branches), default=0)
        case Residual():
            return max(_block_depth(op.body), _depth(op.project) if op.project else 0)
        case Inline():
            return _block_depth(op.body)
        case _:
            return 0
