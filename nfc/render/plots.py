"""Drawings of what was found, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nfc.render.drawing import encoded, matplotlib_for


def draw_found(document: Mapping[str, Any], path: str) -> bytes:
    """The topologies of `nfc search` in weights and score, depth as colour, as the bytes of a file.

    Args:
        path: its name, which says the format: `.svg`, `.png` or `.html`.

    Raises:
        NfcError: NF750, matplotlib is not installed.
    """
    matplotlib_for(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    title = f"{document['cols']} → {document['rows']}, at most {document['params']:,} weights"
    with rc_context({"svg.hashsalt": "nfc", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        axes = figure.subplots()
        _draw_points(figure, axes, document["results"])
        axes.set(title=title, xlabel="weights", ylabel="score")
        return encoded(figure, Path(path).suffix, title)


def _draw_points(figure: Any, axes: Any, records: list[Mapping[str, Any]]) -> None:
    """A dot a topology; those that nothing beats are ringed and named."""
    if not records:
        return
    weights, scores, depths = ([each[key] for each in records] for key in ("params", "score", "depth"))
    dots = axes.scatter(weights, scores, c=depths, cmap="viridis", s=40)
    figure.colorbar(dots, label="depth")
    for each in records:
        if each["leading"]:
            place = each["params"], each["score"]
            axes.scatter(*place, s=110, facecolors="none", edgecolors="black")
            axes.annotate(
                _short(each["topology"]), place, xytext=(6, 6), textcoords="offset points", fontsize=7
            )


def _short(topology: str) -> str:
    return topology if len(topology) <= 40 else f"{topology[:39]}…"
