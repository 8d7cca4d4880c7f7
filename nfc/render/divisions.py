"""A budget divided over layers, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nfc.render.tables import Column, table_lines
from nfc.render.visible import visible

METHODS = {
    "score": "by score",
    "uniform": "uniform density",
    "erdos_renyi": "Erdős–Rényi-kernel",
}
"""What divisions are called, by their names in documents."""

COLUMNS: Sequence[Column] = (
    ("layer", "left"),
    ("shape", "right"),
    ("weights", "right"),
    ("density", "right"),
    ("score", "right"),
    ("topology", "left"),
)


def render_division(document: Mapping[str, Any], columns: int, *, color: bool = False) -> str:
    """A table for each way to divide; without a newline at the end."""
    return "\n\n".join(_table(document, each, columns, color=color) for each in document["divisions"])


def _table(document: Mapping[str, Any], division: Mapping[str, Any], columns: int, *, color: bool) -> str:
    title = f"{visible(document['network'])}: {METHODS[division['by']]}"
    lines = table_lines(title, COLUMNS, map(_cells, division["layers"]), columns, color=color)
    spent = division["params"] + document["fixed"]
    fixed = f", {document['fixed']:,} of them in layers that stay" if document["fixed"] else ""
    total = f"{spent:,} of {document['params']:,} weights{fixed}, mean score {division['score']:.4f}"
    return "\n".join([*lines, total])


def _cells(layer: Mapping[str, Any]) -> tuple[str, ...]:
    copies = f" × {layer['copies']}" if layer["copies"] > 1 else ""
    return (
        visible(layer["layer"]) + copies,
        f"{layer['cols']} → {layer['rows']}",
        f"{layer['params']:,}",
        f"{layer['params'] / (layer['rows'] * layer['cols']):.2%}",
        f"{layer['score']:.4f}",
        visible(layer["topology"]),
    )
