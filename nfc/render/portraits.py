"""Pictures of wirings: each factor as its matrix, outputs down and inputs across, darker where edges lie closer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nfc.render.drawing import encoded, matplotlib_for

INCHES = 1.6
"""Of a factor's picture."""


@dataclass(frozen=True, eq=False)
class FactorPicture:
    """A factor: rows × cols, and the share of edges in each cell of a raster, [height, width]."""

    rows: int
    cols: int
    raster: NDArray[np.float64]


@dataclass(frozen=True)
class LayerPicture:
    """A weighted layer.

    Attributes:
        title: its name, copies and topology, as visible text.
        factors: its first factors in the order of the data.
        left_out: how many more it has.
    """

    title: str
    factors: tuple[FactorPicture, ...]
    left_out: int


def draw_layers(title: str, layers: Sequence[LayerPicture], path: str) -> bytes:
    """A row a layer, a picture a factor, as the bytes of a file.

    Args:
        path: its name, which says the format: `.svg`, `.png` or `.html`.

    Raises:
        NfcError: NF750, matplotlib is not installed.
    """
    matplotlib_for(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = max((len(layer.factors) for layer in layers), default=1)
    with rc_context({"svg.hashsalt": "nfc", "svg.fonttype": "none"}):
        size = max(columns * INCHES, 3 * INCHES), max(len(layers), 1) * (INCHES + 0.6) + 0.5
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(title, fontsize=10)
        rows = figure.subfigures(max(len(layers), 1), 1, squeeze=False)[:, 0]
        for part, layer in zip(rows, layers, strict=False):
            more = f", {layer.left_out} more factors" if layer.left_out else ""
            part.suptitle(f"{layer.title}{more}", fontsize=8, x=0.02, ha="left")
            for axes, factor in zip(part.subplots(1, columns, squeeze=False)[0], layer.factors, strict=False):
                axes.imshow(factor.raster, cmap="Greys", vmin=0.0, aspect="equal", interpolation="nearest")
                axes.set_title(f"{factor.cols} → {factor.rows}", fontsize=7)
            for axes in part.axes:
                axes.set(xticks=[], yticks=[])
            for axes in part.axes[len(layer.factors) :]:
                axes.set_visible(False)
        return encoded(figure, Path(path).suffix, title)
