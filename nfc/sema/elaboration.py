"""Elaboration of one network: statements become operations with shapes, paths and fabrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from nfc.diagnostics import Diagnostic, Label
from nfc.ir.fabric import Fabric, edge_count
from nfc.ir.network import Block, Linear, Network, Op, Shape
from nfc.ir.sequences import Table
from nfc.ir.structure import kron
from nfc.sema import composites, convolutions
from nfc.sema.arguments import CallArguments
from nfc.sema.environment import Environment
from nfc.sema.errors import AlreadyReported, LimitError, SemanticError
from nfc.sema.frame import Frame, Result
from nfc.sema.layers import LAYERS, as_shape, ill_matched
from nfc.sema.place import Place, ShapeError
from nfc.sema.scope import Entry, network_of
from nfc.sema.sequences import misplaced_tokens
from nfc.sema.slots import SlotValues
from nfc.sema.tree import one_line
from nfc.sema.wiring import Wiring
from nfc.source import Span
from nfc.syntax import ast

if TYPE_CHECKING:
    from nfc.sema.networks import Networks

Built = tuple[Fabric, int | None]
"""A layer's fabric, and the greatest width at which a part of it was built before it was cut."""

DEFAULT_SCHEME = "balanced"
CONVOLUTIONS = {"conv": convolutions.conv, "depthwise": convolutions.depthwise}
_KEEP_SHAPE = frozenset(
    {
        "relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "softmax", "log_softmax", "norm", "dropout",
        "position", "shuffle",
    }
)  # fmt: skip


@dataclass
class Elaboration:
    """One pass over a network's body and the bodies it inlines; `first` is the first operation that it met.

    After a mistake the pass goes on with what it still knows of shapes, so that one run finds
    many; what depends on an unknown shape is not judged.
    """

    shared: Networks
    entry: Entry
    failed: bool = False
    first: ast.Operation | None = None
    _edges: int = 0
    _copies: list[Label] = field(default_factory=list)
    _fabrics: dict[tuple[int, int, int], Built] = field(default_factory=dict)

    def network(self) -> Network | None:
        """The network, None where something is wrong with it."""
        definition, source = network_of(self.entry), self.entry.scope.file.source
        scheme = self.shared.statements.schemes.get(id(definition.body), DEFAULT_SCHEME)
        frame = Frame(self.entry.scope, "", scheme)
        try:
            self.shared.budget.check_operations(
                self.shared.count(definition.body, frame.scope), definition.name_span
            )
            shape = self._input(definition.body, frame)
            body, output = self.block(definition.body, frame, shape)
        except LimitError as error:
            self.report(error.diagnostic)
            return None
        except RecursionError:
            message = f"the network `{definition.name}` nests too deep"
            self.report(SemanticError("NF701", message, definition.name_span).diagnostic)
            return None
        if self.failed or shape is None or output is None:
            return None
        return Network(
            name=definition.name,
            input=shape,
            output=output,
            body=body,
            source_name=PurePath(source.name).name,
            source_digest=source.digest,
            span=definition.span,
        )

    # --- reporting ---

    def report(self, diagnostic: Diagnostic) -> None:
        self.failed = True
        if self._copies:
            diagnostic = replace(diagnostic, labels=(*diagnostic.labels, *self._copies))
        self.shared.report(diagnostic)

    def wrong(self, code: str, message: str, span: Span, *hints: str, labels: tuple[Label, ...] = ()) -> None:
        self.report(SemanticError(code, message, span, labels=labels, hints=hints).diagnostic)

    @contextmanager
    def in_copy(self, node: ast.Operation, number: int, count: int) -> Iterator[None]:
        """Say of what is wrong in a later copy of a repeat that the first one was well."""
        if number:
            self._copies.append(Label(node.name_span, f"in copy {number + 1} of {count}; the first is well"))
        try:
            yield
        finally:
            if number:
                self._copies.pop()

    # --- blocks ---

    def _input(self, body: ast.Block, frame: Frame) -> Shape | None:
        first = next((s for s in body.statements if isinstance(s, ast.Operation)), None)
        if first is None or first.name != "input":
            return None
        found = self._arguments(first, frame)
        if not found.sound:
            return None
        shape = as_shape(found.values["SHAPE"])
        self.shared.budget.check_shape(shape, first.positionals[0].span)
        return shape

    def block(self, block: ast.Block, frame: Frame, shape: Shape | None) -> tuple[Block, Shape | None]:
        done: list[Op] = []
        labels = self.shared.statements.labels[id(block)]
        for statement, label in zip(block.statements, labels, strict=True):
            if isinstance(statement, ast.BadStatement):
                shape = None
            elif isinstance(statement, ast.Operation) and statement.name != "input":
                self.shared.budget.check_time(statement.name_span)
                op, shape = self._operation(statement, f"{frame.prefix}{label}", frame, shape)
                done.extend([] if op is None else [op])
        return tuple(done), shape

    def _operation(self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None) -> Result:
        inlined = self.shared.statements.inlined.get(id(node))
        if inlined is not None:
            return composites.inline(self, node, inlined, path, frame, shape)
        before, self.first = self.first, self.first or node
        matched = self.shared.statements.matched.get(id(node))
        if matched is None:
            self.failed = True
            return None, None
        found = self._arguments(node, frame)
        if node.name == "embed" and before is not None:
            self.report(misplaced_tokens("`embed`", node, before).diagnostic)
            return None, None
        composite = composites.COMPOSITES.get(node.name)
        if composite is not None:
            op, shape = composite(self, node, path, frame, shape, found)
        elif node.name == "linear":
            op, shape = self._linear(node, path, frame, shape, found)
        elif node.name in CONVOLUTIONS:
            op, shape = CONVOLUTIONS[node.name](self, node, path, frame, shape, found)
        else:
            op, shape = self._leaf(node, path, shape, found)
        if shape is not None:
            self.shared.budget.check_shape(shape, node.span)
        return op, shape

    def _arguments(self, node: ast.Operation, frame: Frame) -> SlotValues:
        found = self.shared.arguments(node, frame.scope)
        self.failed |= not found.sound
        return found

    # --- operations without blocks ---

    def _leaf(self, node: ast.Operation, path: str, shape: Shape | None, found: SlotValues) -> Result:
        if not found.sound:
            return None, shape if node.name in _KEEP_SHAPE else None
        mismatch = ill_matched(node.name, found.values)
        if mismatch is not None:
            self.wrong("NF206", mismatch, node.span)
            return None, shape if node.name in _KEEP_SHAPE else None
        if shape is None:
            return None, as_shape(found.values["SHAPE"]) if node.name == "reshape" else None
        try:
            op = LAYERS[node.name](Place(path, shape, node.name, node.span), found.values)
        except ShapeError as error:
            self.report(error.diagnostic)
            return None, error.output
        if isinstance(op, Table):
            self.shared.budget.check_table(op.rows, op.features, node.span)
        return op, op.output

    def _linear(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
    ) -> Result:
        rows = found.values.get("N")
        if shape is None or not isinstance(rows, int):
            return None, None
        output = (*shape[:-1], rows)
        return self.linear_layer(node, path, frame, shape, rows, found), output

    def linear_layer(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape, rows: int, found: SlotValues
    ) -> Linear | None:
        """A linear layer at `path` to `rows` features, wired and drawn as the statement says; None after a mistake."""
        output = (*shape[:-1], rows)
        self.shared.budget.check_shape(output, node.span)
        built = self.fabric(node, path, frame, rows, shape[-1])
        if built is None or not found.sound:
            return None
        fabric, fitted = built
        self.count_weights(edge_count(fabric), node)
        return Linear(
            path=path,
            input=shape,
            output=output,
            span=node.span,
            fabric=fabric,
            bias=cast(bool, found.values["bias"]),
            scheme=cast("str | None", found.values["init"]) or frame.scheme,
            topology="dense" if node.via is None else one_line(node.via.span.text),
            fitted=fitted,
        )

    def fabric(self, node: ast.Operation, path: str, frame: Frame, rows: int, cols: int) -> Built | None:
        """The wiring of a layer; one without automatic seeds is shared between copies of the layer."""
        if node.via is None:
            return kron(1, rows, cols, 1), None
        if not self.shared.statements.matched[id(node)].via_sound:
            self.failed = True
            return None
        key = id(node.via), rows, cols
        if key in self._fabrics:
            return self._fabrics[key]
        wiring = Wiring(
            CallArguments(self.entry.name, path),
            self.shared.budget,
            matrices=self.shared.matrices,
            masks=self.shared.masks,
            edges=self._edges,
        )
        environment = Environment(frame.scope, self.shared.constants, self.shared.limits, (rows, cols))
        try:
            fabric = wiring.fabric(node.via, environment, rows, cols)
        except LimitError:
            raise
        except SemanticError as error:
            self.report(_with_layer(error.diagnostic, node, rows, cols))
            return None
        except AlreadyReported:
            self.failed = True
            return None
        if wiring.empty is not None:
            self.shared.report(wiring.empty)
        if not wiring.arguments.automatic:
            self._fabrics[key] = fabric, wiring.tally.fitted
        return fabric, wiring.tally.fitted

    def wire_dense(self, node: ast.Operation, rows: int, cols: int) -> Fabric:
        """A dense fabric that counts among the network's edges."""
        fabric = kron(1, rows, cols, 1)
        self.count_weights(edge_count(fabric), node)
        return fabric

    def count_weights(self, count: int, node: ast.Operation) -> None:
        """Weights of a fabric count towards the network's limit of edges, each entry of a kernel too."""
        self._edges += count
        self.shared.budget.check_edges(self._edges, node.name_span)


def _with_layer(diagnostic: Diagnostic, node: ast.Operation, rows: int, cols: int) -> Diagnostic:
    """Name the layer, where the mistake shows in a topology defined elsewhere."""
    assert node.via is not None
    span = diagnostic.span
    if span is not None and span.source is node.span.source and node.span.start <= span.start < node.span.end:
        return diagnostic
    label = Label(node.via.span, f"needed here, from {cols} to {rows}")
    return replace(diagnostic, labels=(*diagnostic.labels, label))
