"""Values that come together: sums and concatenations, in one layout and one order of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nfc.backends.onnx_graph.layout import Layout
from nfc.backends.onnx_graph.order import natural
from nfc.backends.onnx_graph.values import Moves, Value


def total(moves: Moves, values: Sequence[Value], layout: Layout, name: str) -> Value:
    """The sum, in the order of the last value: what follows a cascade reads what the cascade left."""
    *others, last = _alike(moves, [moves.turned(value, layout) for value in values])
    if not others:
        return last
    aligned = [found for value in others if (found := moves.ordered(value, last))]
    if len(aligned) < len(others):
        last, aligned = moves.flat(last), [moves.flat(value) for value in others]
    names = [*(value.name for value in aligned), last.name]
    return replace(last, name=moves.graph.total(names, name))


def beside(moves: Moves, values: Sequence[Value], layout: Layout, name: str) -> Value:
    """The values' features one after the other."""
    parts = _alike(moves, [moves.turned(value, layout) for value in values])
    if parts[0].folded:
        parts = [moves.flat(part) for part in parts]
    count = sum(part.count for part in parts)
    joined = moves.graph.node("Concat", [part.name for part in parts], name, axis=parts[0].axis)
    return replace(parts[0], name=joined, axes=(count,), order=natural(count))


def _alike(moves: Moves, values: list[Value]) -> list[Value]:
    """All with their leading axes, or all without."""
    if len({value.folded for value in values}) == 1:
        return values
    return [moves.folded(value) for value in values]
