"""What `nfc show --plot` draws: the layers of networks, those of one wiring once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from nfc.ir.digest import fabric_digest
from nfc.ir.fabric import factors
from nfc.ir.factors import Factor
from nfc.ir.network import WeightedLayer, weighted_layers
from nfc.ir.structure import endpoints
from nfc.render.portraits import FactorPicture, LayerPicture
from nfc.render.visible import shortened, visible

if TYPE_CHECKING:
    from nfc.api import Network

CELLS = 128
"""Cells of a raster, down and across, at most."""
MOST_FACTORS = 16
"""Factors of a layer that are drawn."""


def layer_pictures(networks: Iterable[Network]) -> tuple[LayerPicture, ...]:
    """A picture for each wiring of each network, in order of its first layer."""
    found: dict[tuple[str, str], list[WeightedLayer]] = {}
    for network in networks:
        for layer in weighted_layers(network.ir):
            found.setdefault((network.name, fabric_digest(layer.fabric)), []).append(layer)
    return tuple(map(_picture, found.values()))


def _picture(layers: list[WeightedLayer]) -> LayerPicture:
    first = layers[0]
    count = f" × {len(layers)}" if len(layers) > 1 else ""
    parts = tuple(factors(first.fabric))
    title = f"{first.path}{count}: {shortened(visible(first.topology))}"
    drawn = tuple(map(_factor_picture, parts[:MOST_FACTORS]))
    return LayerPicture(title, drawn, len(parts) - len(drawn))


def _factor_picture(factor: Factor) -> FactorPicture:
    """The share of the pairs in each cell that have an edge."""
    height, width = min(factor.rows, CELLS), min(factor.cols, CELLS)
    outputs, inputs = endpoints(factor)
    cells = outputs * height // factor.rows * width + inputs * width // factor.cols
    counts = np.bincount(cells, minlength=height * width).reshape(height, width)
    return FactorPicture(
        factor.rows, factor.cols, counts / (_sizes(factor.rows, height)[:, None] * _sizes(factor.cols, width))
    )


def _sizes(count: int, cells: int) -> np.ndarray:
    """How many of `count` neurons lie in each cell, [cells]."""
    return np.bincount(np.arange(count) * cells // count, minlength=cells)
