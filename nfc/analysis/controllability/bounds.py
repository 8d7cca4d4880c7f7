"""Bounds that hold for every controllability, each exact and cheap, with its proof.

With n = max(rows, cols) and m = min(rows, cols): ‖T‖² = m, every entry has E[T²] = 1/n, and all of T's
singular values are 1.

From above:

- Reach. F(w) is 0 where there is no path, so that those entries of T are lost: c ≤ reached / (rows · cols).
- Rank. F(w) factors through any cut of b neurons, so that its rank is at most the bandwidth b, and the
  nearest matrix of rank b leaves m − b of the energy (Eckart and Young, 1936): c ≤ b / m.

From below:

- A factor takes its own entries of T, and no others: c = edges / (rows · cols).
- A branch of a sum can be alone, the other weights being 0: c(F + G) ≥ max(c(F), c(G)).
- In a cascade let all parts but P be square with a perfect matching. Weights that are 1 on the matchings
  and 0 elsewhere make of them permutations A and B, F = A P B, and AᵀT Bᵀ is distributed as T is:
  c(F) ≥ c(P).

`freedom` is no bound: the matrices are no subspace, and what matters is how near the nearest one comes. A
monarch of 64 has a freedom of .234 and a controllability of .354.
"""

from __future__ import annotations

from collections.abc import Callable

from nfc.analysis.bandwidth import bandwidth
from nfc.analysis.controllability.estimate import Estimate
from nfc.analysis.controllability.reduction import is_one_to_one
from nfc.analysis.errors import PropertyError
from nfc.analysis.paths import reach
from nfc.ir.fabric import Cascade, Fabric, Sum, edge_count

CHEAP_FLOW = 2**17
"""Edges up to which a bandwidth that takes a flow is a matter of a second."""
CHEAP_REACH = 2**31
"""Edges × inputs up to which pairs are counted in a second or two."""


def bounded(found: Estimate, fabric: Fabric) -> Estimate:
    """An estimate within the fabric's bounds, its error at most the way to the farther one."""
    least, most = lower_bound(fabric), upper_bound(fabric)
    mean = min(max(found.mean, least), most)
    return Estimate(mean, min(found.stderr, max(mean - least, most - mean)), found.method)


def upper_bound(fabric: Fabric) -> float:
    """By reach and by rank; 1 where neither is cheap."""
    edges = edge_count(fabric)
    pairs, least = fabric.rows * fabric.cols, min(fabric.rows, fabric.cols)
    by_reach = _cheap(lambda: reach(fabric).reached / pairs, edges * fabric.cols <= CHEAP_REACH)
    by_rank = _cheap(lambda: bandwidth(fabric) / least, edges <= CHEAP_FLOW)
    return min(by_reach, by_rank, 1.0)


def lower_bound(fabric: Fabric) -> float:
    """By one branch, or one part of a cascade; 0 where none can be left alone."""
    match fabric:
        case Sum(parts=parts):
            return max(lower_bound(part) for part in parts)
        case Cascade(parts=parts):
            tied = [number for number, part in enumerate(parts) if not _can_permute(part)]
            if len(tied) > 1:
                return 0.0
            alone = [parts[number] for number in tied] or parts
            return max(lower_bound(part) for part in alone)
        case _:
            return edge_count(fabric) / (fabric.rows * fabric.cols)


def _can_permute(part: Fabric) -> bool:
    """Whether some weights surely make a permutation of it."""
    return part.rows == part.cols and is_one_to_one(part)


def _cheap(share: Callable[[], float], is_cheap: bool) -> float:
    if not is_cheap:
        return 1.0
    try:
        return share()
    except PropertyError:
        return 1.0
