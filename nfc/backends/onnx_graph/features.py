"""Feature-first values, [*axes, batch], and the ways to move their features.

Never a transpose that moves the batch straight into a batched product: ONNX Runtime fuses the two,
and up to version 1.31 the result divides by zero when the batch is empty. `enter` is a plain matrix
transpose; all others before a product move axes of features only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.order import Order, merged, natural
from nfc.ir.factors import Indices


@dataclass(frozen=True)
class Features:
    """A value [*axes, batch]; flattened, the axes hold the features in `order`."""

    name: str
    axes: tuple[int, ...]
    order: Order

    @property
    def count(self) -> int:
        return prod(self.axes)


@dataclass(frozen=True)
class Moves:
    """Reshapes, transposes and gathers, named after the layer at `path`."""

    graph: Graph
    path: str

    def enter(self, value: str, features: int) -> Features:
        """From [batch, features]."""
        name = self.graph.transpose(value, (1, 0), self.name("features"))
        return Features(name, (features,), natural(features))

    def leave(self, value: Features, name: str) -> str:
        """To [batch, features]."""
        sizes, permutation, _ = merged(value.order.sizes, (value.order.natural_permutation(),))
        split = self.cut(value, sizes or (1,))
        rank = len(split.axes)
        if rank == 1:
            return self.graph.transpose(split.name, (1, 0), name)
        moved = self.graph.transpose(split.name, (rank, *permutation), self.name("batch"))
        return self.graph.reshape(moved, (-1, value.count), name)

    def cut(self, value: Features, axes: tuple[int, ...]) -> Features:
        """The same memory with its features cut into other axes."""
        if value.axes == axes:
            return value
        return Features(self.graph.reshape(value.name, (*axes, -1), self.name("split")), axes, value.order)

    def flat(self, value: Features) -> Features:
        """The same features in their natural order on one axis."""
        if not value.order.is_natural:
            sizes, permutation, _ = merged(value.order.sizes, (value.order.natural_permutation(),))
            split = self.cut(value, sizes)
            name = self.graph.transpose(split.name, (*permutation, len(sizes)), self.name("ordered"))
            value = Features(name, tuple(sizes[place] for place in permutation), value.order)
        return self.cut(Features(value.name, value.axes, natural(value.count)), (value.count,))

    def take(self, value: Features, places: Indices, table: str) -> Features:
        """The features at `places` of the memory, as axes of their shape; none is moved if they lie so."""
        order = natural(places.size)
        if np.array_equal(places.reshape(-1), np.arange(value.count)):
            return self.cut(Features(value.name, value.axes, order), places.shape)
        flat = self.cut(value, (value.count,))
        stored = self.graph.tensor(table, places.astype(np.int32))
        name = self.graph.node("Gather", (flat.name, stored), self.name("taken"), axis=0)
        return Features(name, places.shape, order)

    def name(self, what: str) -> str:
        return f"{self.path}/{what}"
