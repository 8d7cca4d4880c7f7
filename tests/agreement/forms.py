"""Plans in forms that the cost model would rarely choose, so that every form meets every executor."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np

from nfc.lowering import Target, optimise
from nfc.lowering.kernels import csr, shape_of
from nfc.lowering.plan import Clustered, Kernel, Neighbours, Plan, Scattered, Sparse


def everything_fused(plan: Plan, runtime: str, form: str) -> Plan:
    """All stages that may be are fused; kernels without structure are in a form: `edges`, `dense` or `clusters`."""

    def chosen(kernel: Neighbours | Sparse, target: Target) -> Kernel:
        match form:
            case "dense":
                return Scattered(kernel)
            case "clusters":
                return in_clusters(kernel)
            case _:
                return kernel

    same = patch("nfc.lowering.optimise.kernel_seconds", lambda kernel, target: 1.0)
    with same, patch("nfc.lowering.optimise.chosen_form", chosen):
        return optimise(plan, Target(runtime=runtime))


def in_clusters(kernel: Neighbours | Sparse, height: int = 3) -> Clustered:
    """Rows three by three in reverse order, each three with all the inputs that any of them reads."""
    rows, _ = shape_of(kernel)
    indptr, indices = csr(kernel)
    order = np.arange(rows)[::-1]
    padded = np.append(order, np.full(-rows % height, rows)).reshape(-1, height)
    read = [[indices[indptr[row] : indptr[row + 1]] for row in cluster if row < rows] for cluster in padded]
    unions = [np.unique(np.concatenate(inputs)) for inputs in read]
    width = max(1, *map(len, unions))
    col_sets = [_padded(union, width) for union in unions]
    return Clustered(kernel, padded.astype(np.int64), np.stack(col_sets))


def _padded(inputs: np.ndarray, width: int) -> np.ndarray:
    filling = inputs[0] if len(inputs) else 0
    return np.append(inputs, np.full(width - len(inputs), filling)).astype(np.int64)
