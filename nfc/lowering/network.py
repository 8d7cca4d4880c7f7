"""Network to Plan: every weighted layer becomes a product, all else stays."""

from __future__ import annotations

from nfc.ir.digest import network_digest
from nfc.ir.network import Network, Op, WeightedLayer
from nfc.lowering.kernels import product
from nfc.lowering.plan import Plan
from nfc.passes.rewrite import rewrite


def lower(network: Network) -> Plan:
    """The plan of a network whose layers have their draws.

    Raises:
        ValueError: a layer has no draws; the initialisation pass has to run before.
    """
    return Plan(
        name=network.name,
        input=network.input,
        output=network.output,
        body=rewrite(network.body, _lowered),
        source_name=network.source_name,
        source_digest=network.source_digest,
        topology_digest=network_digest(network),
    )


def _lowered(op: Op) -> Op:
    return product(op) if isinstance(op, WeightedLayer) else op
