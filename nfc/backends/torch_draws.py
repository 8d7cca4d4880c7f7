"""The body of `reset_parameters`: which weights are drawn how, with loops where neighbours are alike.

Draws count their streams on, so the statements follow the order in which the plan numbers its
factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, groupby
from typing import cast

from nfc.backends.torch_layers import index_variable, padded_block
from nfc.backends.torch_writer import INDENT, Call, Entry, Expression, Named, statement
from nfc.ir.names import attribute
from nfc.ir.network import Block, Concat, Inline, Op, Repeat, Residual, Sum
from nfc.lowering.kernels import Weighted, block_kernels, weighted_kernels
from nfc.lowering.plan import Add, Blocked, BlockSets, Chain, Kernel, Product


@dataclass(frozen=True)
class Leaf:
    """One draw of a module's weight.

    Attributes:
        std: None where it is a table of the index file.
        padded: the weight has padding, which stays zero.
        strided: an orthogonal draw of blocks whose stride lies between their two axes.
        sets: an orthogonal draw of blocks whose rows lie apart.
    """

    orthogonal: bool
    std: float | None
    padded: bool
    strided: bool
    sets: bool


@dataclass(frozen=True)
class Fields:
    """Draws of a module's children, by attribute."""

    children: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Parts:
    """Draws of the numbered children of a container; `noun` names one of them in a loop."""

    noun: str
    children: tuple[Node, ...]


Node = Leaf | Fields | Parts


def draw_lines(block: Block, indent: int) -> list[str]:
    """The statements that draw every weight of the network."""
    check_streams(block)
    return _lines(_block(block), "self", "", indent, 0, ())


def uses_orthogonal(block: Block) -> bool:
    """Whether any weight is drawn orthogonal."""
    return any(kernel.weight.draw.distribution == "orthogonal" for kernel in block_kernels(block))


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
            lone = not isinstance(kernel, Chain | Add) or padded_block(kernel) is not None
            return _kernel(kernel) if lone else Fields((("fabric", _kernel(kernel)),))
        case Repeat(copies=copies):
            return Parts("copy", tuple(_block(copy) for copy in copies))
        case Sum(branches=branches) | Concat(branches=branches):
            return Parts("branch", tuple(_block(branch) for branch in branches))
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
    if padded_block(kernel) is not None:
        return _leaf(next(weighted_kernels(kernel)))
    match kernel:
        case Chain(parts=parts):
            return Parts("factor", tuple(_kernel(part) for part in parts))
        case Add(parts=parts):
            return Parts("part", tuple(_kernel(part) for part in parts))
        case _:
            return _leaf(next(weighted_kernels(kernel)))


def _leaf(kernel: Weighted) -> Leaf:
    draw = kernel.weight.draw
    orthogonal = draw.distribution == "orthogonal"
    return Leaf(
        orthogonal=orthogonal,
        std=draw.std if isinstance(draw.std, float) else None,
        padded=kernel.weight.padding is not None,
        strided=orthogonal and isinstance(kernel, Blocked) and kernel.d > 1,
        sets=orthogonal and isinstance(kernel, BlockSets),
    )


def _empty(node: Node) -> bool:
    return not isinstance(node, Leaf) and all(
        _empty(child[1] if isinstance(child, tuple) else child) for child in node.children
    )


def _reads_tables(node: Node) -> bool:
    match node:
        case Leaf(std=std):
            return std is None
        case Fields(children=fields):
            return any(_reads_tables(child) for _, child in fields)
        case Parts(children=parts):
            return any(_reads_tables(child) for child in parts)


def _lines(
    node: Node, target: str, key: str, indent: int, depth: int, variables: tuple[str, ...]
) -> list[str]:
    match node:
        case Leaf():
            return statement(_draw(node, target, key), indent)
        case Fields(children=fields):
            return [
                line
                for name, child in fields
                for line in _lines(child, f"{target}.{name}", _join(key, name), indent, depth, variables)
            ]
        case Parts():
            return _part_lines(node, target, key, indent, depth, variables)


def _part_lines(
    node: Parts, target: str, key: str, indent: int, depth: int, variables: tuple[str, ...]
) -> list[str]:
    """The numbered children: a loop for each run of equal ones, a lone one by its number."""
    lines: list[str] = []
    start = 0
    for child, group in groupby(node.children):
        stop = start + len(list(group))
        if not _empty(child) and stop == start + 1:
            lines += _lines(child, f"{target}[{start}]", f"{key}.{start}", indent, depth, variables)
        elif not _empty(child):
            whole = stop - start == len(node.children)
            part = target if whole else f"{target}[{start or ''}:{stop if stop < len(node.children) else ''}]"
            variable = node.noun if node.noun not in variables else f"{node.noun}{depth}"
            index = index_variable(depth)
            if _reads_tables(child):
                header = f"for {index}, {variable} in enumerate({part}{f', {start}' if start else ''}):"
            else:
                header = f"for {variable} in {part}:"
            lines.append(INDENT * indent + header)
            inner = (*variables, variable)
            lines += _lines(child, variable, f"{key}.{{{index}}}", indent + 1, depth + 1, inner)
        start = stop
    return lines


def _draw(leaf: Leaf, target: str, key: str) -> Expression:
    std: Expression = Entry(f"{key}.weight.std") if leaf.std is None else repr(leaf.std)
    if leaf.orthogonal:
        weight = f"{target}.weight.transpose(1, 2)" if leaf.strided else f"{target}.weight"
        sets = (Named("row_sets", f"{target}.row_sets"),) if leaf.sets else ()
        return Call("draw.orthogonal", (weight, Named("std", std), *sets))
    if leaf.padded and leaf.std is not None:
        std = f"{std} * {target}.live.double()"
    return Call("draw.uniform", (f"{target}.weight", Named("std", std)))


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
