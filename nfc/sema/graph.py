"""Cycles and order of definitions that depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Node = TypeVar("Node")


def dependency_order(
    nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]
) -> tuple[list[Node], list[tuple[Node, ...]]]:
    """The nodes with what each needs before it, and the cycles found on the way.

    Depth first without recursion. A cycle is the way round it, in the order of need; each is found
    from the first of its nodes that is reached.
    """
    order: list[Node] = []
    cycles: list[tuple[Node, ...]] = []
    done: set[Node] = set()
    for root in nodes:
        if root in done:
            continue
        path: dict[Node, Iterator[Node]] = {root: iter(needs(root))}
        while path:
            node = next(reversed(path))
            following = next(path[node], None)
            if following is None:
                path.popitem()
                done.add(node)
                order.append(node)
            elif following in path:
                way = list(path)
                cycles.append(tuple(way[way.index(following) :]))
            elif following not in done:
                path[following] = iter(needs(following))
    return order, cycles
