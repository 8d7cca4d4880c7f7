"""Operations as comparisons see them: flat, in order of execution, each with the facts that decide what it computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import Fabric, edge_count
from nfc.ir.network import (
    Block,
    Concat,
    Crop,
    Inline,
    Network,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Shape,
    Sum,
    WeightedLayer,
)
from nfc.ir.parameters import parameters
from nfc.source import Span

Fact = bool | int | float | str | Shape | None

CONVOLUTIONS = ("conv", "depthwise")
"""Kinds of operations whose fabric wires the first axis."""
PROJECT = "project"
"""The last part of the scope of a residual's projection."""


@dataclass(frozen=True)
class Operation:
    """An operation without what it holds. Repeats, networks in place, and a sum or a concatenation of one
    branch leave no trace but in paths.

    Attributes:
        path: concrete, copies and branches numbered.
        kind: `linear`, `activation`, `norm` …
        scope: the innermost branch that it stands in, `sum1.1` or `residual1`; empty outside of all.
        facts: what else decides its weights or what it computes, by name.
        params: trainable numbers in it.
        digest: a weighted layer's wiring.
        edges: its edges.
        topology: its wiring as written, for people and to find it again.
    """

    path: str
    kind: str
    input: Shape
    output: Shape
    scope: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    params: int = 0
    digest: str | None = None
    edges: int | None = None
    topology: str | None = None
    fabric: Fabric | None = field(default=None, compare=False, repr=False)
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def weighted(self) -> bool:
        """Whether it has entries in state dicts."""
        return self.params > 0

    @property
    def sizes(self) -> tuple[int, int]:
        """Outputs and inputs: on the channels of a convolution, else on the last axis."""
        axis = 0 if self.kind in CONVOLUTIONS else -1
        return self.output[axis], self.input[axis]

    @cached_property
    def signature(self) -> tuple[object, ...]:
        """What has to agree for two operations to be the same, names and places aside."""
        return self.kind, self.input, self.output, self.digest, *sorted(self.facts.items())


def operations(network: Network) -> tuple[Operation, ...]:
    """The operations of a network in order of execution; what holds others stands before them."""
    counts: dict[str, int] = {}
    for parameter in parameters(network):
        counts[parameter.op.path] = counts.get(parameter.op.path, 0) + parameter.count
    return tuple(_operation(op, scope, counts.get(op.path, 0)) for op, scope in _scoped(network.body, ""))


def _scoped(block: Block, scope: str) -> Iterator[tuple[Op, str]]:
    """Each operation with its scope."""
    for op in block:
        match op:
            case Repeat(copies=copies):
                for copy in copies:
                    yield from _scoped(copy, scope)
            case Inline(body=body) | Sum(branches=(body,)) | Concat(branches=(body,)):
                yield from _scoped(body, scope)
            case Residual(body=body, project=project):
                yield op, scope
                yield from _scoped((project,) if project else (), f"{op.path}.{PROJECT}")
                yield from _scoped(body, op.path)
            case Sum(branches=branches) | Concat(branches=branches):
                yield op, scope
                for index, branch in enumerate(branches):
                    yield from _scoped(branch, f"{op.path}.{index}")
            case _:
                yield op, scope
                for inner in op.blocks:
                    yield from _scoped(inner, op.path)


def _operation(op: Op, scope: str, params: int) -> Operation:
    layer = op if isinstance(op, WeightedLayer) else None
    return Operation(
        path=op.path,
        kind=type(op).__name__.lower(),
        input=op.input,
        output=op.output,
        scope=scope,
        facts=_facts(op),
        params=params,
        digest=fabric_digest(layer.fabric) if layer else None,
        edges=edge_count(layer.fabric) if layer else None,
        topology=layer.topology if layer else None,
        fabric=layer.fabric if layer else None,
        span=op.span,
    )


COMMON = {field.name for field in fields(Op)} | {"fabric", "topology"}
"""Fields that are compared as what they are, or not at all."""


def _facts(op: Op) -> dict[str, Fact]:
    """The fields that are numbers, texts or truths, and the sizes that an operation is asked for."""
    given = {
        each.name: value
        for each in fields(op)
        if each.compare and each.name not in COMMON and _is_fact(value := getattr(op, each.name))
    }
    match op:
        case Pad() | Crop():
            return {**given, "size": op.output[-1]}
        case Reshape():
            return {**given, "shape": op.output}
        case Sum(branches=branches) | Concat(branches=branches):
            return {**given, "branches": len(branches)}
        case Residual(project=project):
            return {**given, "projects": project is not None}
        case _:
            return given


def _is_fact(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, int) for item in value)
    return value is not None and isinstance(value, bool | int | float | str)
