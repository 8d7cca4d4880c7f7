"""The IR's invariants, checked after every pass.

The rules are data: `NETWORK_RULES` and `FLOW_RULES` here, those of operations and fabrics beside.
`verify` walks a network once and reports the first rule that something breaks. Rules of factors
take time in the tables, all others in the operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nfc.ir.convolution_rules import CONVOLUTION_RULES
from nfc.ir.fabric import Fabric
from nfc.ir.fabric_rules import FABRIC_RULES
from nfc.ir.factors import Factor
from nfc.ir.network import (
    AUTO_SLOPE,
    Activation,
    Block,
    Concat,
    Network,
    Op,
    Repeat,
    Shape,
    WeightedLayer,
    walk,
    weighted_layers,
)
from nfc.ir.op_rules import LAYER_RULES, OP_RULES, shape_after
from nfc.ir.rule import Rule, VerifyError, check, distinct
from nfc.ir.sequence_rules import SEQUENCE_RULES
from nfc.ir.sequences import Embed, Table, first_embedding

__all__ = ["VerifyError", "verify"]


def verify(network: Network) -> None:
    """Checks every rule.

    Raises:
        VerifyError: names the first place, in order of execution, and the rule that it breaks.
    """
    for op in walk(network.body):
        check((*OP_RULES, *CONVOLUTION_RULES, *SEQUENCE_RULES), op, op.path)
        if isinstance(op, WeightedLayer):
            for place, node in _nodes(op.fabric, op.path, f"{op.path}.fabric"):
                check(FABRIC_RULES, node, place)
            check(LAYER_RULES, op, op.path)
        for flow in _flows(op):
            check(FLOW_RULES, flow, op.path)
    check(FLOW_RULES, Flow(network.input, network.body, network.output), network.name)
    check(NETWORK_RULES, network, network.name)


@dataclass(frozen=True)
class Flow:
    """A block between the value it gets and the value that it has to give."""

    input: Shape
    block: Block
    output: Shape


def _flows(op: Op) -> Iterator[Flow]:
    """An operation's blocks with the shapes around them; a concat's branches give what they like."""
    match op:
        case Repeat():
            shape = op.input
            for copy in op.copies[:-1]:
                yield Flow(shape, copy, shape_after(copy, shape))
                shape = shape_after(copy, shape)
            yield Flow(shape, op.copies[-1], op.output)
        case Concat():
            for branch in op.branches:
                yield Flow(op.input, branch, shape_after(branch, op.input))
        case _:
            for block in op.blocks:
                yield Flow(op.input, block, op.output)


def _nodes(fabric: Fabric, place: str, prefix: str) -> Iterator[tuple[str, Fabric]]:
    """A fabric's nodes and factors with their places, parts before the node that holds them."""
    if not isinstance(fabric, Factor):
        for index, part in enumerate(fabric.parts):
            yield from _nodes(part, f"{prefix}.{index}", f"{prefix}.{index}")
    yield place, fabric


def _chained(flow: Flow) -> bool:
    shape = flow.input
    for op in flow.block:
        if op.input != shape:
            return False
        shape = op.output
    return shape == flow.output


def _paths_follow_the_tree(network: Network) -> bool:
    inside = ((op, inner) for op in walk(network.body) for block in op.blocks for inner in block)
    return all(inner.path.startswith(f"{op.path}.") for op, inner in inside)


def _streams(network: Network) -> list[int]:
    drawn = (draw for layer in weighted_layers(network) for draw in layer.draws or ())
    tables = (op.draw for op in walk(network.body) if isinstance(op, Table) and op.draw is not None)
    return [draw.stream for draw in (*drawn, *tables)]


def _slopes_come_first(network: Network) -> bool:
    drawn = any(layer.draws is not None for layer in weighted_layers(network))
    automatic = any(isinstance(op, Activation) and op.slope == AUTO_SLOPE for op in walk(network.body))
    return not (drawn and automatic)


def _tokens_are_embedded(network: Network) -> bool:
    first = first_embedding(network.body)
    return all(op is first for op in walk(network.body) if isinstance(op, Embed))


FLOW_RULES = (
    Rule(
        Flow, "each operation takes what the one before gives, from the block's input to its output", _chained
    ),
)
NETWORK_RULES = (
    Rule(Network, "paths are unique", lambda n: distinct([op.path for op in walk(n.body)])),
    Rule(Network, "a path begins with that of the operation around", _paths_follow_the_tree),
    Rule(Network, "an embedding reads the network's input", _tokens_are_embedded),
    Rule(Network, "slopes are chosen before weights are drawn", _slopes_come_first),
    Rule(Network, "each factor and table draws from a stream of its own", lambda n: distinct(_streams(n))),
)
