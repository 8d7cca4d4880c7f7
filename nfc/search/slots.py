"""The linear layers of a file among which a budget is divided."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from nfc.analysis.totals import weight_count
from nfc.ir.fabric import edge_count
from nfc.ir.network import Linear, Network, weighted_layers
from nfc.source import Source, Span


@dataclass(frozen=True)
class Slot:
    """A statement of the file: one layer, or all copies of it.

    Attributes:
        layers: paths of the copies.
        rows, cols: outputs and inputs of each.
        span: of the statement.
        topology: its wiring as written.
        weights: of one copy as written.
    """

    layers: tuple[str, ...]
    rows: int
    cols: int
    span: Span
    topology: str
    weights: int

    @property
    def copies(self) -> int:
        return len(self.layers)

    @property
    def size(self) -> int:
        """Weights of one dense copy."""
        return self.rows * self.cols

    @property
    def name(self) -> str:
        """The path of its copies: the first one's, and how many there are."""
        return self.layers[0] if self.copies == 1 else f"{self.layers[0]} (× {self.copies})"


def slots(network: Network, source: Source) -> tuple[tuple[Slot, ...], int]:
    """The statements whose layers can get another wiring, and the weights of the layers that cannot.

    Those are convolutions, stand in other files than the network's own, or at one place for several shapes.
    """
    statements: dict[Span | None, list[Linear]] = defaultdict(list)
    found, fixed = [], 0
    for layer in weighted_layers(network):
        if isinstance(layer, Linear):
            statements[layer.span].append(layer)
        else:
            fixed += weight_count(layer)
    for span, layers in statements.items():
        shapes = {(layer.output[-1], layer.input[-1]) for layer in layers}
        if span is None or span.source.name != source.name or len(shapes) > 1:
            fixed += sum(edge_count(layer.fabric) for layer in layers)
            continue
        ((rows, cols),) = shapes
        first = layers[0]
        paths = tuple(layer.path for layer in layers)
        found.append(Slot(paths, rows, cols, span, first.topology, edge_count(first.fabric)))
    return tuple(found), fixed
