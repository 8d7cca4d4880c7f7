"""What printing the kernels of one linear layer needs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from nfc.backends.onnx_graph.graph import Graph
from nfc.backends.onnx_graph.layout import Layouts
from nfc.backends.onnx_graph.order import Listed, Order
from nfc.backends.onnx_graph.storage import Storage
from nfc.backends.onnx_graph.values import Moves, Value
from nfc.lowering.plan import Product


@dataclass(frozen=True)
class Layer:
    """The product `op`, and the layouts chosen for its kernels."""

    graph: Graph
    storage: Storage
    layouts: Layouts
    op: Product

    @property
    def moves(self) -> Moves:
        return Moves(self.graph, self.op.path)

    @property
    def rows(self) -> int:
        """Rows of the values that forms are chosen for."""
        return self.storage.options.batch * prod(self.op.input[:-1])

    def name(self, what: str) -> str:
        return f"{self.op.path}/{what}"

    def vector(self, name: str | None, order: Order | Listed, shape: tuple[int, ...]) -> tuple[str, ...]:
        """A bias as an operator's last input, where there is one."""
        return (self.storage.per_feature(name, order, shape),) if name else ()

    def biased(self, value: Value, bias: str | None) -> Value:
        """The bias added by a node of its own."""
        if not bias:
            return value
        added = self.storage.per_feature(bias, value.order, value.aligned)
        name = self.graph.node("Add", (value.name, added), self.name("biased"))
        return Value(name, value.layout, value.axes, value.order, value.leading)
