"""One statement a weight of an emitted network, with loops where neighbouring modules are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, cast

from nfc.backends.torch_layers import index_variable, partial_block, single_parts
from nfc.backends.torch_writer import INDENT, Expression, statement
from nfc.ir.names import attribute_of
from nfc.ir.network import Block, Concat, Inline, Op, Repeat, Residual, Sum
from nfc.ir.sequences import FABRICS, Attention, Table
from nfc.lowering.kernels import Weighted, table_rows, weighted_kernels
from nfc.lowering.plan import Add, Chain, Kernel, Product


class Leaf(Protocol):
    """What is said of one weight; equal leaves of neighbours are said in a loop."""

    def expression(self, name: str) -> Expression:
        """The statement about the parameter of this name, a string literal or an f-string."""


@dataclass(frozen=True)
class Fields:
    """A module's children, by attribute."""

    children: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Parts:
    """The numbered children of a container."""

    children: tuple[Node, ...]


Node = Leaf | Fields | Parts
LeafOf = Callable[[Weighted], Leaf | None]


def weight_statements(block: Block, leaf_of: LeafOf, indent: int) -> list[str]:
    """The lines of a statement a weight, in the plan's order; nothing where there is no leaf."""
    return _lines(_Tree(leaf_of).block(block), "", indent, 0)


@dataclass(frozen=True)
class _Tree:
    """The tree of an emitted network's modules with a leaf at each weight."""

    leaf_of: LeafOf

    def block(self, block: Block) -> Fields:
        children = ((attribute_of(op.path), self.operation(op)) for op in block)
        return Fields(tuple((name, node) for name, node in children if node is not None and not _empty(node)))

    def operation(self, op: Op) -> Node | None:
        match op:
            case Product(kernel=kernel):
                lone = not isinstance(kernel, Chain | Add) or partial_block(kernel) is not None
                return self.kernel(kernel) if lone else Fields((("fabric", self.kernel(kernel)),))
            case Repeat(copies=copies):
                return Parts(tuple(map(self.block, copies)))
            case Sum(branches=branches) | Concat(branches=branches):
                return Parts(tuple(map(self.block, branches)))
            case Residual(body=body, project=None):
                return self.block(body)
            case Residual(body=body, project=project):
                shortcut = ("project", cast("Node", self.operation(cast("Op", project))))
                return Fields((shortcut, *self.block(body).children))
            case Inline(body=body):
                return self.block(body)
            case Attention():
                layers = zip(FABRICS, (op.q, op.k, op.v, op.o), strict=True)
                return Fields(tuple((label, cast("Node", self.operation(layer))) for label, layer in layers))
            case Table():
                return self.leaf_of(table_rows(op))
            case _:
                return None

    def kernel(self, kernel: Kernel) -> Node:
        if partial_block(kernel) is None:
            match kernel:
                case Chain():
                    return Parts(tuple(map(self.kernel, single_parts(kernel))))
                case Add(parts=parts):
                    return Parts(tuple(map(self.kernel, parts)))
                case _:
                    pass
        leaf = self.leaf_of(next(weighted_kernels(kernel)))
        return Parts(()) if leaf is None else leaf


def _empty(node: Node) -> bool:
    match node:
        case Fields(children=fields):
            return all(_empty(child) for _, child in fields)
        case Parts(children=parts):
            return all(map(_empty, parts))
        case _:
            return False


def _lines(node: Node, key: str, indent: int, depth: int) -> list[str]:
    match node:
        case Fields(children=fields):
            return [
                line
                for name, child in fields
                for line in _lines(child, f"{key}.{name}" if key else name, indent, depth)
            ]
        case Parts(children=parts):
            return _part_lines(parts, key, indent, depth)
        case leaf:
            name = f'{"f" if "{" in key else ""}"{key}.weight"'
            return statement(leaf.expression(name), indent)


def _part_lines(parts: tuple[Node, ...], key: str, indent: int, depth: int) -> list[str]:
    """The numbered children: a loop for each run of equal ones, a lone one by its number."""
    lines: list[str] = []
    start = 0
    for child, group in groupby(parts):
        stop = start + len(list(group))
        if not _empty(child) and stop == start + 1:
            lines += _lines(child, f"{key}.{start}", indent, depth)
        elif not _empty(child):
            index = index_variable(depth)
            span = f"{start}, {stop}" if start else str(stop)
            lines.append(f"{INDENT * indent}for {index} in range({span}):")
            lines += _lines(child, f"{key}.{{{index}}}", indent + 1, depth + 1)
        start = stop
    return lines
