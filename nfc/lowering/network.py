"""Network to Plan: every linear layer becomes a product, all else stays."""

from __future__ import annotations

from dataclasses import replace

from nfc.ir.digest import network_digest
from nfc.ir.network import Block, Concat, Inline, Linear, Network, Op, Repeat, Residual, Sum
from nfc.lowering.kernels import product
from nfc.lowering.plan import Plan


def lower(network: Network) -> Plan:
    """The plan of a network whose layers have their draws.

    Raises:
        ValueError: a layer has no draws; the initialisation pass has to run before.
    """
    return Plan(
        name=network.name,
        input=network.input,
        output=network.output,
        body=_block(network.body),
        source_name=network.source_name,
        source_digest=network.source_digest,
        topology_digest=network_digest(network),
    )


def _block(block: Block) -> Block:
    return tuple(_operation(op) for op in block)


def _operation(op: Op) -> Op:
    match op:
        case Linear():
            return product(op)
        case Repeat(copies=copies):
            return replace(op, copies=tuple(_block(copy) for copy in copies))
        case Sum(branches=branches) | Concat(branches=branches):
            return replace(op, branches=tuple(_block(branch) for branch in branches))
        case Residual(body=body, project=None):
            return replace(op, body=_block(body))
        case Residual(body=body, project=Linear() as project):
            # A plan holds a Product in this place too.
            return replace(op, body=_block(body), project=product(project))  # type: ignore[arg-type]
        case Inline(body=body):
            return replace(op, body=_block(body))
        case _:
            return op
