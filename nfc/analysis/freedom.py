"""Freedom: the dimension of the set of matrices that a fabric's weights reach, over rows · cols (LANGUAGE, section 5).

It is the rank of the Jacobian weights → matrix at generic weights. Four ways, the first that applies:

1. *One factor*: every weight is an entry.
2. *One path a pair*: every entry is a monomial, so the rank is that of its exponents, the incidence
   of paths and edges. Paths span the flows of the graph, and conservation at the inner neurons is
   all that binds those: edges − inner neurons.
3. *Two layers without overlap*: inner neurons that read the same a inputs and are read by the same b
   outputs make an a × b block of rank r, their number; matrices of rank r have r(a + b − r)
   dimensions (a·b where r passes a or b), and blocks that share no entry add.
4. *Elimination* modulo a prime at random weights (`nfc.analysis.prime_field`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nfc.analysis.errors import PropertyError
from nfc.analysis.memo import once_a_fabric
from nfc.analysis.neurons import Link, Neurons, neurons
from nfc.analysis.paths import paths, reach
from nfc.analysis.prime_field import PRIME, rank
from nfc.analysis.units import neighbour_hashes
from nfc.ir.fabric import Fabric, edge_count
from nfc.ir.factors import Factor
from nfc.ir.structure import endpoints
from nfc.philox import integers

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST = 2**12
"""Weights up to which the rank is found by elimination: about half a minute."""

Whole = NDArray[np.int64]


@once_a_fabric
def freedom(fabric: Fabric) -> float:
    """The rank of the Jacobian weights → matrix at generic weights, over rows · cols.

    Exact by the first three ways; elimination finds less with a probability below 1e-6.

    Raises:
        PropertyError: no closed form applies and there are more than `LARGEST` weights (NF506).
    """
    return dimension(fabric) / (fabric.rows * fabric.cols)


def dimension(fabric: Fabric) -> int:
    """The rank of the Jacobian weights → matrix at generic weights.

    Raises:
        PropertyError: no closed form applies and there are more than `LARGEST` weights (NF506).
    """
    if isinstance(fabric, Factor):
        return fabric.edges
    graph = neurons(fabric)
    small = edge_count(fabric) <= LARGEST
    try:
        if paths(fabric).maximum <= 1:
            return _of_monomials(graph)
        blocks = _of_blocks(fabric, graph)
    except PropertyError:
        if not small:
            raise
        blocks = None
    if blocks is not None:
        return blocks
    if not small:
        message = f"`freedom` of this fabric takes an elimination of {edge_count(fabric):,} weights, more than {LARGEST:,}"
        hint = (
            "a fabric with one path a pair, or of two layers whose blocks do not overlap, has a closed form"
        )
        raise PropertyError("NF506", message, hints=(hint,))
    return _by_elimination(graph)


def _of_monomials(graph: Neurons) -> int:
    on_paths = graph.on_paths()
    edges = 0
    for link in graph.links:
        sources, targets = on_paths[link.sources], on_paths[link.targets]
        if sources.all() and targets.all():
            edges += link.factor.edges
        else:
            outputs, inputs = endpoints(link.factor)
            edges += int((sources[inputs] & targets[outputs]).sum())
    return edges - int(on_paths[graph.first_inner :].sum())


def _of_blocks(fabric: Fabric, graph: Neurons) -> int | None:
    """The dimension of two layers whose blocks share no entry; None for other fabrics."""
    if any((link.source < graph.inputs) == (link.target < graph.first_inner) for link in graph.links):
        return None
    fan_in, fan_out = (degrees[graph.first_inner :] for degrees in graph.degrees())
    live = np.flatnonzero((fan_in > 0) & (fan_out > 0))
    hashes = np.stack([side[graph.first_inner :][live] for side in neighbour_hashes(graph)], axis=1)
    _, first, members = np.unique(hashes, axis=0, return_index=True, return_counts=True)
    height, width = fan_out[live[first]], fan_in[live[first]]
    if int((height * width).sum()) != reach(fabric).reached:
        return None
    ranks = np.minimum(members, np.minimum(height, width))
    return int((ranks * (height + width - ranks)).sum())


def _by_elimination(graph: Neurons) -> int:
    """The rank of as many random rank-one functionals of the Jacobian as it can have.

    Of the matrix's derivative by the weight of edge (j, i), the functional u, v takes
    (uᵀ L)_j (R v)_i, with L what follows the factor and R what comes before it.
    """
    edges = sum(link.factor.edges for link in graph.links)
    count = min(edges, graph.inputs * graph.outputs)
    weights = [_random(stream, link.factor.edges) for stream, link in enumerate(graph.links)]
    forward, backward = np.zeros((2, graph.count, count), np.int64)
    forward[: graph.inputs] = _random(len(weights), graph.inputs * count).reshape(-1, count)
    outputs = slice(graph.inputs, graph.first_inner)
    backward[outputs] = _random(len(weights) + 1, graph.outputs * count).reshape(-1, count)
    for link, own in zip(graph.links, weights, strict=True):
        _add(forward, link.targets, _weighted(link, own) @ forward[link.sources])
    for link, own in zip(reversed(graph.links), reversed(weights), strict=True):
        _add(backward, link.sources, _weighted(link, own).T @ backward[link.targets])
    sketch = np.empty((edges, count))
    start = 0
    for link in graph.links:
        targets, sources = endpoints(link.factor)
        part = slice(start, start + link.factor.edges)
        sketch[part] = backward[link.target + targets] * forward[link.source + sources] % PRIME
        start = part.stop
    return rank(sketch)


def _random(stream: int, count: int) -> Whole:
    return (integers(0, stream, count) % np.uint64(PRIME)).astype(np.int64)


def _weighted(link: Link, weights: Whole) -> csr_array:
    from scipy.sparse import csr_array

    indptr, indices = link.factor.arrays()
    return csr_array((weights, indices, indptr), shape=link.factor.shape)


def _add(values: Whole, place: slice, change: Whole) -> None:
    values[place] = (values[place] + change) % PRIME
