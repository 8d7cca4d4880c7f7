"""Kernels with windows, as the kernels on patches that do as much work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nfc.lowering.plan import Blocked, BlockSets, Dense, Kernel, Neighbours, Sparse, Weight


def on_patches(kernel: Kernel) -> Kernel:
    """A kernel whose weights have a window as one on patches, whose features are (input, place in the window).

    All others stay as they are. Sizes and numbers of edges are those of the product; lanes, which lie
    apart in a patch, are counted as if they did not.
    """
    match kernel:
        case Dense(weight=weight, rows=rows, cols=cols) if weight.window:
            return Dense(_flat(weight), rows, cols * weight.area)
        case Blocked(weight=weight, c=c, places=places) if weight.window:
            edges = None if places is None else _repeated(places, weight.area)
            return replace(kernel, weight=_flat(weight), c=c * weight.area, places=edges)
        case BlockSets(weight=weight, col_sets=col_sets) if weight.window:
            return replace(kernel, weight=_flat(weight), col_sets=_repeated(col_sets, weight.area))
        case Neighbours(weight=weight, cols=cols, table=table) if weight.window:
            return Neighbours(_flat(weight), cols * weight.area, _repeated(table, weight.area))
        case Sparse(weight=weight, rows=rows, cols=cols, indptr=indptr, indices=indices) if weight.window:
            edges = _repeated(indices, weight.area)
            return Sparse(_flat(weight), rows, cols * weight.area, indptr * weight.area, edges)
        case _:
            return kernel


def _flat(weight: Weight) -> Weight:
    """The weight with its window as a part of its last axis."""
    *axes, last = weight.shape[: len(weight.shape) - len(weight.window)]
    return Weight(weight.name, (*axes, last * weight.area), weight.draw)


def _repeated(indices: np.ndarray, area: int) -> np.ndarray:
    """Inputs as the features of patches: each as `area` neighbours."""
    return (indices[..., None] * area + np.arange(area)).reshape(*indices.shape[:-1], -1)
