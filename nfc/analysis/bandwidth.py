"""Bandwidth: the most vertex-disjoint input-output paths (LANGUAGE, section 5).

By Menger's theorem it is the least number of neurons that cut all inputs from all outputs, and by
the lemma of Lindström, Gessel and Viennot the rank of the fabric's matrix at generic weights. Three
ways to find it, the first that applies:

1. *Even flow.* Where every factor has one fan-in and one fan-out, as much flow into each input
   becomes as much at each output, so that a cascade carries what its narrowest layer does, and
   branches add until the inputs or outputs are full. Flows that are not integers are no better
   than paths are (all capacities are integers).
2. *Matchings.* A cascade whose layers narrow and then widen carries what its narrowest layer does,
   if every factor can match its narrower side (Hopcroft and Karp 1973).
3. *Flow* through neurons of capacity 1 (Dinitz 1970).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.analysis.neurons import Neurons, neurons
from nfc.ir.fabric import Cascade, Fabric, edge_count, factors
from nfc.ir.factors import Blocks, Factor, Indices, Kron, Shifts
from nfc.ir.structure import endpoints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_FLOW = 2**23
"""Edges that a flow is sought in: about a minute, and a gigabyte."""


@once_a_fabric
def bandwidth(fabric: Fabric) -> int:
    """The most input-output paths that share no neuron.

    Raises:
        PropertyError: it takes a flow through more than `LARGEST_FLOW` edges (NF506).
    """
    if all(_is_even(factor) for factor in factors(fabric)):
        return _even(fabric)
    if isinstance(fabric, Factor):
        return matching(fabric)
    if isinstance(fabric, Cascade) and _matched(fabric):
        return min(fabric.cols, *(part.rows for part in fabric.parts))
    return _flow(fabric)


def matching(factor: Factor) -> int:
    """The most edges of which no two share an input or an output."""
    if not factor.edges:
        return 0
    from scipy.sparse.csgraph import maximum_bipartite_matching

    return int((maximum_bipartite_matching(factor.csr(), perm_type="column") >= 0).sum())


def _is_even(factor: Factor) -> bool:
    if isinstance(factor, Kron | Blocks | Shifts):
        return True
    return all(degrees.min() == degrees.max() > 0 for degrees in (factor.fan_in(), factor.fan_out()))


def _even(fabric: Fabric) -> int:
    if isinstance(fabric, Factor):
        return min(fabric.shape)
    parts = [_even(part) for part in fabric.parts]
    return min(parts) if isinstance(fabric, Cascade) else min(fabric.rows, fabric.cols, sum(parts))


def _matched(fabric: Cascade) -> bool:
    """Whether the layers narrow, then widen, and each factor matches all of its narrower side."""
    parts = fabric.parts
    if not all(isinstance(part, Factor) for part in parts):
        return False
    widths = [fabric.cols, *(part.rows for part in parts)]
    turn = widths.index(min(widths))
    narrowing, widening = widths[: turn + 1], widths[turn:]
    if any(low > high for high, low in pairwise(narrowing)) or any(
        low > high for low, high in pairwise(widening)
    ):
        return False
    return all(matching(part) == min(part.shape) for part in parts if isinstance(part, Factor))


def _flow(fabric: Fabric) -> int:
    edges = edge_count(fabric)
    if edges > LARGEST_FLOW:
        message = f"`bandwidth` would seek a flow through {edges:,} edges, more than 2^23"
        hint = "it has a closed form where every factor has one fan-in and one fan-out; see `biregular`"
        raise PropertyError("NF506", message, hints=(hint,))
    from scipy.sparse.csgraph import maximum_flow

    graph = neurons(fabric)
    network = _flow_network(graph)
    return int(maximum_flow(network, network.shape[0] - 2, network.shape[0] - 1, method="dinic").flow_value)


def _flow_network(graph: Neurons) -> csr_array:
    """Capacities [nodes, nodes]: each inner neuron's entry and exit, the inputs behind a source, the outputs before a sink.

    A neuron's exit has its number; the entry of inner neuron k has the number count + k.
    """
    from scipy.sparse import coo_array

    inner = np.arange(graph.inner)
    source = graph.count + graph.inner
    tails: list[Indices] = [np.full(graph.inputs, source), graph.count + inner]
    heads: list[Indices] = [np.arange(graph.inputs), graph.first_inner + inner]
    outputs = graph.inputs + np.arange(graph.outputs)
    tails.append(outputs)
    heads.append(np.full(graph.outputs, source + 1))
    for link in graph.links:
        to, at = endpoints(link.factor)
        entry = (
            link.target if link.target < graph.first_inner else link.target + graph.count - graph.first_inner
        )
        tails.append(at + link.source)
        heads.append(to + entry)
    tail, head = np.concatenate(tails), np.concatenate(heads)
    nodes = source + 2
    capacities = coo_array((np.ones(len(tail), np.int32), (tail, head)), shape=(nodes, nodes))
    result: csr_array = capacities.tocsr()
    return result
