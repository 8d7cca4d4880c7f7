"""Values in either layout, their features in a known order, and the ways to move them.

Never a transpose that moves the batch straight into a batched product: ONNX Runtime fuses the two,
and up to version 1.31 the result divides by zero when the batch is empty. What is transposed right
before a product has its batch axis in the place where it stays, or is cut by a reshape first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.layout import FEATURES, ROWS, Layout
from nfc.backends.onnx_graph.order import Listed, Order, merged, natural, refined
from nfc.ir.factors import Indices
from nfc.ir.network import Shape


@dataclass(frozen=True)
class Value:
    """A value's name and the way it lies: [rows, *axes] or [*axes, rows]; flattened, the axes hold the features in `order`.

    Rows are the batch times the axes of the operation's value before its last, `leading`. A value that is
    not `folded` is [batch, *leading, features], in the natural order.
    """

    name: str
    layout: Layout
    axes: tuple[int, ...]
    order: Order | Listed
    leading: Shape = ()
    folded: bool = True

    @property
    def count(self) -> int:
        return prod(self.axes)

    @property
    def rank(self) -> int:
        return 1 + len(self.axes) + (0 if self.folded else len(self.leading))

    @property
    def axis(self) -> int:
        """Where the features' first axis is."""
        if self.layout is FEATURES:
            return 0
        return 1 if self.folded else self.rank - 1

    @property
    def aligned(self) -> tuple[int, ...]:
        """The shape in which numbers, one a feature, are combined with the value."""
        return (*self.axes, 1) if self.layout is FEATURES else self.axes

    def shape(self, axes: tuple[int, ...]) -> tuple[int, ...]:
        """The value's shape with its features on other axes; -1 for the rows."""
        return (*axes, -1) if self.layout is FEATURES else (-1, *axes)

    def permutation(self, moved: tuple[int, ...]) -> tuple[int, ...]:
        """A permutation of the axes of features as one of all axes."""
        if self.layout is FEATURES:
            return (*moved, len(moved))
        return (0, *(1 + place for place in moved))


def whole(name: str, shape: Shape) -> Value:
    """A value [batch, *shape] between operations."""
    return Value(name, ROWS, shape[-1:], natural(shape[-1]), shape[:-1], folded=len(shape) == 1)


@dataclass(frozen=True)
class Moves:
    """Reshapes, transposes and gathers, named after the operation at `path`."""

    graph: Graph
    path: str

    def turned(self, value: Value, layout: Layout) -> Value:
        """The value in a layout; features without an order of digits are put in order while they are rows."""
        if layout is ROWS and value.layout is FEATURES and isinstance(value.order, Listed):
            value = self.flat(value)
        return self.transposed(value, layout)

    def shared(self, value: Value, layout: Layout) -> Value:
        """The value in a layout for several readers, each of which might put its features in order else."""
        if isinstance(value.order, Listed):
            value = self.flat(value)
        return self.turned(value, layout)

    def transposed(self, value: Value, layout: Layout) -> Value:
        """The value in a layout, its order kept."""
        if value.layout is layout:
            return value
        flat = self.cut(self.folded(value), (value.count,))
        name = self.graph.transpose(flat.name, (1, 0), self.name(layout.value))
        return replace(flat, name=name, layout=layout)

    def unfolded(self, value: Value) -> Value:
        """[batch, *leading, features] in the natural order."""
        if not value.folded:
            return value
        value = self.flat(value)
        if value.layout is FEATURES:
            value = self.turned(value, ROWS)
        if not value.leading:
            return value
        name = self.graph.reshape(value.name, (-1, *value.leading, value.count), self.name("whole"))
        return replace(value, name=name, folded=False)

    def folded(self, value: Value) -> Value:
        """[rows, features] of a value that may still have its leading axes."""
        if value.folded:
            return value
        name = self.graph.reshape(value.name, (-1, value.count), self.name("folded"))
        return replace(value, name=name, folded=True)

    def cut(self, value: Value, axes: tuple[int, ...]) -> Value:
        """The same memory with its features on other axes."""
        if value.axes == axes and value.folded:
            return value
        return replace(
            value,
            name=self.graph.reshape(value.name, value.shape(axes), self.name("split")),
            axes=axes,
            folded=True,
        )

    def flat(self, value: Value) -> Value:
        """The same features in their natural order on one axis."""
        if isinstance(value.order, Listed):
            return self.take(value, value.order.places, value.order.table)
        if not value.order.is_natural:
            value = self._moved(value, value.order, value.order.natural_permutation())
        return self.cut(replace(value, order=natural(value.count)), (value.count,))

    def ordered(self, value: Value, like: Value) -> Value | None:
        """The same features in the order of another value, on its axes; None where the orders cut no digits alike."""
        if value.order != like.order:
            common = refined(value.order, like.order)
            if common is None:
                return None
            lies, wanted = common
            places = tuple(lies.digits.index(digit) for digit in wanted.digits)
            value = replace(self._moved(value, lies, places), order=like.order)
        return value if value.axes == like.axes else self.cut(value, like.axes)

    def take(self, value: Value, places: Indices, table: str) -> Value:
        """The features at `places` of the memory, as axes of their shape; none is moved if they lie so."""
        order = natural(places.size)
        if np.array_equal(places.reshape(-1), np.arange(value.count)):
            return self.cut(replace(value, order=order), places.shape)
        flat = self.cut(value, (value.count,))
        stored = self.graph.tensor(table, places.astype(np.int32))
        name = self.graph.node("Gather", (flat.name, stored), self.name("taken"), axis=flat.axis)
        return replace(flat, name=name, axes=places.shape, order=order)

    def listed(self, value: Value, places: Indices, table: str) -> Value:
        """The features at `places` of the memory; left where they lie if all of the memory is theirs."""
        if places.size < value.count or np.array_equal(places, np.arange(value.count)):
            return self.take(value, places, table)
        return replace(value, order=Listed(places, table))

    def arranged(self, value: Value, lies: Order, groups: tuple[tuple[int, ...], ...]) -> Value:
        """Digits of `lies`, to which the value's order is cut, moved into groups, each an axis or more; order unset."""
        sizes, permutation, _ = merged(lies.sizes, groups)
        if permutation == tuple(range(len(sizes))):
            return value
        split = self.cut(value, sizes)
        name = self.graph.transpose(split.name, split.permutation(permutation), self.name("transposed"))
        return replace(split, name=name, axes=tuple(sizes[place] for place in permutation))

    def name(self, what: str) -> str:
        return f"{self.path}/{what}"

    def _moved(self, value: Value, lies: Order, places: tuple[int, ...]) -> Value:
        """The digits of `lies` at `places`, in this sequence."""
        return self.arranged(self.folded(value), lies, (places,))
