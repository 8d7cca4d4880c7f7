"""The parts that topologies are put together from, and how permutations among them are absorbed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from nfc.ir.fabric import Fabric, cascade
from nfc.ir.factors import Indices
from nfc.ir.permute import permute_inputs, permute_outputs
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.finished import Finished
from nfc.source import Span
from nfc.syntax import ast


@dataclass(frozen=True, eq=False)
class Permutation:
    """A weightless part: its output o is its input order[o]; to be absorbed in a neighbouring factor."""

    order: Indices


Wired = Fabric | Permutation
Shared = dict[tuple[int, ...], tuple[Wired, tuple[Finished, ...]]]
"""What is built already: by the identity of its expression, and what else decides it."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a cascade or sum: what is written, what its names mean, its place (see `seeds`)."""

    node: ast.Expression
    environment: Environment
    place: str


def joined(parts: Iterable[Wired]) -> Wired:
    """A cascade of parts, its permutations absorbed; a permutation where it is nothing else."""
    fabrics: list[Fabric] = []
    order: Indices | None = None
    for part in parts:
        if isinstance(part, Permutation):
            # y[o] = x[first[o]], z[o] = y[second[o]]: together z[o] = x[first[second[o]]].
            order = part.order if order is None else order[part.order]
        else:
            fabrics.append(part if order is None else permute_inputs(part, order))
            order = None
    if not fabrics:
        assert order is not None
        return Permutation(order)
    if order is not None:
        fabrics[-1] = permute_outputs(fabrics[-1], order)
    return cascade(*fabrics)


def shares(size: int, weights: Sequence[int]) -> list[int]:
    """How many of `size` each part gets: up to ⌊size · (weights so far) / (their total)⌋."""
    whole = sum(weights)
    ends = (size * so_far // whole for so_far in accumulate(weights, initial=0))
    return [end - start for start, end in pairwise(ends)]


def unabsorbed(span: Span) -> SemanticError:
    message = "a permutation has no weights; there is no factor here that could absorb it"
    hints = ('put it in a cascade, as in `permute("reverse") >> dense`',)
    return SemanticError("NF411", message, span, hints=hints)
