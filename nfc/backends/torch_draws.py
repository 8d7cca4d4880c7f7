"""The body of `reset_parameters`: which weights are drawn how, with loops where neighbours are alike.

Draws count their streams on, so the statements follow the order in which the plan numbers its
factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, groupby
from typing import cast

from nfc.backends.torch_layers import index_variable, partial_block, single_parts
from nfc.backends.torch_writer import INDENT, Call, Expression, Named, statement
from nfc.ir.names import attribute
from nfc.ir.network import Block, Concat, Inline, Op, Repeat, Residual, Sum
from nfc.lowering.kernels import Weighted, block_kernels, weighted_kernels
from nfc.lowering.plan import Add, Blocked, BlockSets, Chain, Kernel, Product


@dataclass(frozen=True)
class Leaf:
    """One draw of a module's weight: a method of `Draws`, and a standard deviation unless each edge has its own."""

    method: str
    std: float | None


@dataclass(frozen=True)
class Fields:
    """Draws of a module's children, by attribute."""

    children: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Parts:
    """Draws of the numbered children of a container."""

    children: tuple[Node, ...]


Node = Leaf | Fields | Parts


def draw_lines(block: Block, indent: int) -> list[str]:
    """The statements that draw every weight of the network."""
    check_streams(block)
    return _lines(_block(block), "", indent, 0)


def check_streams(block: Block) -> None:
    """Every factor's stream has to be its number in the network."""
    for number, kernel in zip(count(), block_kernels(block), strict=False):
        if kernel.weight.draw.stream != number:
            raise ValueError(
                f"{kernel.weight.name}: its stream is {kernel.weight.draw.stream}, its number {number}"
            )


def _block(block: Block) -> Fields:
    children = ((attribute(op.path.rpartition(".")[2]), _operation(op)) for op in block)
    return Fields(tuple((name, node) for name, node in children if node is not None and not _empty(node)))


def _operation(op: Op) -> Node | None:
    match op:
        case Product(kernel=kernel):
            lone = not isinstance(kernel, Chain | Add) or partial_block(kernel) is not None
            return _kernel(kernel) if lone else Fields((("fabric", _kernel(kernel)),))
        case Repeat(copies=copies):
            return Parts(tuple(map(_block, copies)))
        case Sum(branches=branches) | Concat(branches=branches):
            return Parts(tuple(map(_block, branches)))
        case Residual(body=body, project=None):
            return _block(body)
        case Residual(body=body, project=project):
            shortcut = ("project", cast("Node", _operation(cast("Op", project))))
            return Fields((shortcut, *_block(body).children))
        case Inline(body=body):
            return _block(body)
        case _:
            return None


def _kernel(kernel: Kernel) -> Node:
    if partial_block(kernel) is not None:
        return _leaf(next(weighted_kernels(kernel)))
    match kernel:
        case Chain():
            return Parts(tuple(map(_kernel, single_parts(kernel))))
        case Add(parts=parts):
            return Parts(tuple(map(_kernel, parts)))
        case _:
            return _leaf(next(weighted_kernels(kernel)))


def _leaf(kernel: Weighted) -> Leaf:
    draw = kernel.weight.draw
    if not isinstance(draw.std, float):
        return Leaf("uniform_each", None)
    if draw.distribution != "orthogonal":
        return Leaf("uniform", draw.std)
    match kernel:
        case BlockSets():
            return Leaf("orthogonal_sets", draw.std)
        case Blocked(d=d) if d > 1:
            return Leaf("orthogonal_strided", draw.std)
        case _:
            return Leaf("orthogonal", draw.std)


def _empty(node: Node) -> bool:
    return not isinstance(node, Leaf) and all(
        _empty(child[1] if isinstance(child, tuple) else child) for child in node.children
    )


def _lines(node: Node, key: str, indent: int, depth: int) -> list[str]:
    match node:
        case Leaf():
            return statement(_draw(node, key), indent)
        case Fields(children=fields):
            return [
                line
                for name, child in fields
                for line in _lines(child, f"{key}.{name}" if key else name, indent, depth)
            ]
        case Parts(children=parts):
            return _part_lines(parts, key, indent, depth)


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


def _draw(leaf: Leaf, key: str) -> Expression:
    name = f'{"f" if "{" in key else ""}"{key}.weight"'
    std = () if leaf.std is None else (Named("std", repr(leaf.std)),)
    return Call(f"draw.{leaf.method}", (name, *std))
