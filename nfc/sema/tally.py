"""What is counted and noted while a layer's topology is wired, parts of any kind alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nfc.diagnostics import Diagnostic
from nfc.ir.fabric import factors
from nfc.sema.budget import Budget
from nfc.sema.finished import Finished
from nfc.sema.parts import Permutation, Wired
from nfc.source import Span


@dataclass
class Tally:
    """Factors and edges against the budget, widths of fitting, and factors that may leave neurons without edges.

    Attributes:
        edges: those so far, of the network's earlier layers too.
        factors: those of this topology, permutations among them.
        fitted: the greatest width that a standard topology was built at and cut from.
        finished: the single-factor expressions of masks, files and standard topologies.
    """

    budget: Budget
    edges: int = 0
    factors: int = 0
    fitted: int | None = None
    finished: list[Finished] = field(default_factory=list)

    def count(self, wired: Wired, span: Span) -> None:
        """Count the factors and edges of a part that is there now, a shared one each time it occurs.

        Raises:
            LimitError: there are too many, or it takes too long.
        """
        edges = [] if isinstance(wired, Permutation) else [factor.edges for factor in factors(wired)]
        self.factors += 1 if isinstance(wired, Permutation) else len(edges)
        self.edges += sum(edges)
        self.budget.check_operations(self.factors, span, "factors in one topology")
        self.budget.check_edges(self.edges, span, "there are")
        self.budget.check_time(span)

    def note_fitted(self, width: int | None) -> None:
        if width is not None:
            self.fitted = max(self.fitted or 0, width)

    def empties(self) -> Iterator[Diagnostic]:
        """Errors and warnings of outputs and inputs without an edge."""
        return (found for found in (each.diagnostic for each in self.finished) if found is not None)
