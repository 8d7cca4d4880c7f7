"""Elaboration of one network: statements become operations with shapes, paths and fabrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from nfc.diagnostics import Diagnostic, Label
from nfc.ir.fabric import Fabric, edge_count
from nfc.ir.network import Block, Concat, Inline, Linear, Network, Op, Repeat, Residual, Shape, Sum
from nfc.ir.structure import kron
from nfc.sema.environment import Environment
from nfc.sema.errors import AlreadyReported, LimitError, SemanticError
from nfc.sema.frame import Frame
from nfc.sema.layers import LAYERS, Place, ShapeError, as_shape
from nfc.sema.scope import Entry
from nfc.sema.slots import SlotValues
from nfc.sema.tree import one_line
from nfc.sema.values import show
from nfc.sema.wiring import Wiring
from nfc.source import Span
from nfc.syntax import ast

if TYPE_CHECKING:
    from nfc.sema.networks import Networks

DEFAULT_SCHEME = "balanced"
_KEEP_SHAPE = frozenset(
    {"relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "softmax", "log_softmax", "norm", "dropout"}
)
Result = tuple[Op | None, Shape | None]
"""The operation, None where it has errors, and the shape behind it, None where nothing is known of it."""


@dataclass
class Elaboration:
    """One pass over a network's body and the bodies it inlines.

    After a mistake the pass goes on with what it still knows of shapes, so that one run finds
    many; what depends on an unknown shape is not judged.
    """

    shared: Networks
    entry: Entry
    failed: bool = False
    _edges: int = 0
    _copies: list[Label] = field(default_factory=list)
    _fabrics: dict[tuple[int, int, int], Fabric] = field(default_factory=dict)

    def network(self) -> Network | None:
        """The network, None where something is wrong with it."""
        definition, source = self._definition(self.entry), self.entry.scope.file.source
        scheme = self.shared.statements.schemes.get(id(definition.body), DEFAULT_SCHEME)
        frame = Frame(self.entry.scope, "", scheme)
        try:
            self.shared.budget.check_operations(
                self.shared.count(definition.body, frame.scope), definition.name_span
            )
            shape = self._input(definition.body, frame)
            body, output = self._block(definition.body, frame, shape)
        except LimitError as error:
            self._report(error.diagnostic)
            return None
        except RecursionError:
            message = f"the network `{definition.name}` nests too deep"
            self._report(SemanticError("NF701", message, definition.name_span).diagnostic)
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

    @staticmethod
    def _definition(entry: Entry) -> ast.Network:
        assert isinstance(entry.definition, ast.Network)
        return entry.definition

    # --- reporting ---

    def _report(self, diagnostic: Diagnostic) -> None:
        self.failed = True
        if self._copies:
            diagnostic = replace(diagnostic, labels=(*diagnostic.labels, *self._copies))
        self.shared.report(diagnostic)

    def _wrong(
        self, code: str, message: str, span: Span, *hints: str, labels: tuple[Label, ...] = ()
    ) -> None:
        self._report(SemanticError(code, message, span, labels=labels, hints=hints).diagnostic)

    @contextmanager
    def _in_copy(self, node: ast.Operation, number: int, count: int) -> Iterator[None]:
        """Say of what is wrong in a later copy of a repeat that the first one was well."""
        if number:
            self._copies.append(Label(node.name_span, f"in copy {number + 1} of {count}; the first is well"))
        yield
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

    def _block(self, block: ast.Block, frame: Frame, shape: Shape | None) -> tuple[Block, Shape | None]:
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
            return self._inline(node, inlined, path, frame, shape)
        matched = self.shared.statements.matched.get(id(node))
        if matched is None:
            self.failed = True
            return None, None
        found = self._arguments(node, frame)
        if not matched.operation.supported:
            self._unsupported(node)
            return None, None
        match node.name:
            case "linear":
                op, shape = self._linear(node, path, frame, shape, found)
            case "repeat":
                op, shape = self._repeat(node, path, frame, shape, found)
            case "residual":
                op, shape = self._residual(node, path, frame, shape, found)
            case "sum":
                op, shape = self._sum(node, path, frame, shape)
            case "concat":
                op, shape = self._concat(node, path, frame, shape)
            case _:
                op, shape = self._leaf(node, path, shape, found)
        if shape is not None:
            self.shared.budget.check_shape(shape, node.span)
        return op, shape

    def _arguments(self, node: ast.Operation, frame: Frame) -> SlotValues:
        found = self.shared.arguments(node, frame.scope)
        self.failed |= not found.sound
        return found

    def _unsupported(self, node: ast.Operation) -> None:
        self._wrong("NF601", f"`{node.name}` is not supported yet", node.name_span)

    # --- operations without blocks ---

    def _leaf(self, node: ast.Operation, path: str, shape: Shape | None, found: SlotValues) -> Result:
        if not found.sound:
            return None, shape if node.name in _KEEP_SHAPE else None
        if shape is None:
            return None, as_shape(found.values["SHAPE"]) if node.name == "reshape" else None
        try:
            op = LAYERS[node.name](Place(path, shape, node.name, node.span), found.values)
        except ShapeError as error:
            self._report(error.diagnostic)
            return None, error.output
        return op, op.output

    def _linear(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
    ) -> Result:
        rows = found.values.get("N")
        if shape is None or not isinstance(rows, int):
            return None, None
        output = (*shape[:-1], rows)
        self.shared.budget.check_shape(output, node.span)
        fabric = self._fabric(node, path, frame, rows, shape[-1])
        if fabric is None or not found.sound:
            return None, output
        self._edges += edge_count(fabric)
        self.shared.budget.check_edges(self._edges, node.name_span)
        layer = Linear(
            path=path,
            input=shape,
            output=output,
            span=node.span,
            fabric=fabric,
            bias=cast(bool, found.values["bias"]),
            scheme=cast("str | None", found.values["init"]) or frame.scheme,
            topology="dense" if node.via is None else one_line(node.via.span.text),
        )
        return layer, output

    def _fabric(self, node: ast.Operation, path: str, frame: Frame, rows: int, cols: int) -> Fabric | None:
        """The wiring of a layer; one without automatic seeds is shared between copies of the layer."""
        if node.via is None:
            return kron(1, rows, cols, 1)
        if not self.shared.statements.matched[id(node)].via_sound:
            self.failed = True
            return None
        key = id(node.via), rows, cols
        if key in self._fabrics:
            return self._fabrics[key]
        wiring = Wiring(self.entry.name, path, self.shared.budget)
        environment = Environment(frame.scope, self.shared.constants, self.shared.limits, (rows, cols))
        try:
            fabric = wiring.fabric(node.via, environment, rows, cols)
        except LimitError:
            raise
        except SemanticError as error:
            self._report(_with_layer(error.diagnostic, node, rows, cols))
            return None
        except AlreadyReported:
            self.failed = True
            return None
        if wiring.empty is not None:
            self.shared.report(wiring.empty)
        if not wiring.automatic:
            self._fabrics[key] = fabric
        return fabric

    # --- operations with blocks ---

    def _repeat(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
    ) -> Result:
        count = found.values.get("N")
        total = count if isinstance(count, int) else 1
        copies: list[Block] = []
        arrived = shape
        failed_before, self.failed = self.failed, False
        for number in range(total):
            with self._in_copy(node, number, total):
                before = shape
                body, shape = self._body(node, frame.inside(f"{path}.{number}"), shape)
            if self.failed:
                return None, shape if shape == before else None
            copies.append(body)
            if shape is None:
                break
        self.failed = failed_before
        if arrived is None or shape is None:
            return None, shape
        return Repeat(path=path, input=arrived, output=shape, span=node.span, copies=tuple(copies)), shape

    def _residual(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None, found: SlotValues
    ) -> Result:
        body, output = self._body(node, frame.inside(path), shape)
        if shape is None or output is None or not found.sound:
            return None, output
        project = found.values["project"] is True
        if output[:-1] != shape[:-1] or (output != shape and not project):
            hints = ["write `residual project=true { … }` to map the input to it"]
            message = f"`residual` adds its input {show(shape)} to what its block makes of it, {show(output)}"
            self._wrong("NF303", message, node.name_span, *(hints if output[:-1] == shape[:-1] else ()))
            return None, output
        projection = self._projection(node, path, frame, shape, output) if project else None
        op = Residual(path=path, input=shape, output=output, span=node.span, body=body, project=projection)
        return op, output

    def _projection(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape, output: Shape
    ) -> Linear:
        """The shortcut W x without a bias, as in He et al., "Deep residual learning", CVPR 2016, eq. 2."""
        fabric = kron(1, output[-1], shape[-1], 1)
        self._edges += edge_count(fabric)
        self.shared.budget.check_edges(self._edges, node.name_span)
        return Linear(
            path=f"{path}.project",
            input=shape,
            output=output,
            span=node.span,
            fabric=fabric,
            bias=False,
            scheme=frame.scheme,
            topology="dense",
        )

    def _sum(self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None) -> Result:
        branches, outputs = self._branches(node, path, frame, shape)
        known = [(index, output) for index, output in enumerate(outputs) if output is not None]
        for index, output in known[1:]:
            if output != known[0][1]:
                self._disagree(node, known[0], (index, output), "`sum` adds its branches")
        if shape is None or len(known) < len(outputs):
            return None, known[0][1] if known else None
        output = known[0][1]
        return Sum(path=path, input=shape, output=output, span=node.span, branches=branches), output

    def _concat(self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None) -> Result:
        branches, outputs = self._branches(node, path, frame, shape)
        known = [(index, output) for index, output in enumerate(outputs) if output is not None]
        agreed = True
        for index, output in known[1:]:
            if output[:-1] != known[0][1][:-1]:
                agreed = False
                self._disagree(
                    node, known[0], (index, output), "`concat` joins its branches on the last axis"
                )
        if shape is None or len(known) < len(outputs) or not agreed:
            return None, None
        if len(known[0][1]) == 3:
            message = "`concat` over the channels of a [C, H, W] shape is not supported yet"
            self._wrong("NF601", message, node.name_span)
            return None, None
        output = (*known[0][1][:-1], sum(output[-1] for _, output in known))
        return Concat(path=path, input=shape, output=output, span=node.span, branches=branches), output

    def _disagree(
        self, node: ast.Operation, first: tuple[int, Shape], other: tuple[int, Shape], why: str
    ) -> None:
        message = f"{why}: the first gives {show(first[1])}, this one {show(other[1])}"
        span, first_span = node.blocks[other[0]].span, node.blocks[first[0]].span
        self._wrong("NF303", message, span, labels=(Label(first_span, f"gives {show(first[1])}"),))

    def _branches(
        self, node: ast.Operation, path: str, frame: Frame, shape: Shape | None
    ) -> tuple[tuple[Block, ...], list[Shape | None]]:
        done = [
            self._block(block, frame.inside(f"{path}.{number}"), shape)
            for number, block in enumerate(node.blocks)
        ]
        return tuple(body for body, _ in done), [output for _, output in done]

    def _body(self, node: ast.Operation, frame: Frame, shape: Shape | None) -> tuple[Block, Shape | None]:
        return self._block(node.blocks[0], frame, shape) if node.blocks else ((), None)

    def _inline(
        self, node: ast.Operation, other: Entry, path: str, frame: Frame, shape: Shape | None
    ) -> Result:
        network = self.shared.network(other)
        if network is None or shape is None:
            self.failed = True
            return None, None if network is None else network.output
        if network.input != shape:
            message = f"the network `{other.name}` takes {show(network.input)}; {show(shape)} arrives here"
            self._wrong("NF303", message, node.name_span, labels=(Label(other.name_span, "defined here"),))
            return None, network.output
        definition = self._definition(other)
        scheme = self.shared.statements.schemes.get(id(definition.body), frame.scheme)
        body, output = self._block(definition.body, Frame(other.scope, f"{path}.", scheme), shape)
        if output is None:
            return None, None
        op = Inline(path=path, input=shape, output=output, span=node.span, network=other.name, body=body)
        return op, output


def _with_layer(diagnostic: Diagnostic, node: ast.Operation, rows: int, cols: int) -> Diagnostic:
    """Name the layer, where the mistake shows in a topology defined elsewhere."""
    assert node.via is not None
    span = diagnostic.span
    if span is not None and span.source is node.span.source and node.span.start <= span.start < node.span.end:
        return diagnostic
    label = Label(node.via.span, f"needed here, from {cols} to {rows}")
    return replace(diagnostic, labels=(*diagnostic.labels, label))
