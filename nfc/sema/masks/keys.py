"""Edges in any order, gathered without repeats."""

from __future__ import annotations

import numpy as np

from nfc.ir.factors import Indices

_FEW = 2**21
"""So many new edges are kept before repeats are dropped."""


class EdgeKeys:
    """Edges as output · cols + input. Memory is that of the distinct ones and as many new ones."""

    def __init__(self, cols: int) -> None:
        self._cols = cols
        self._sorted: Indices = np.zeros(0, np.int64)
        self._new: list[Indices] = []
        self._count = 0

    def add(self, outputs: Indices, inputs: Indices) -> None:
        """Add edges; inputs that do not exist are dropped."""
        inside = (inputs >= 0) & (inputs < self._cols)
        if not inside.all():
            outputs, inputs = outputs[inside], inputs[inside]
        self._new.append(outputs * self._cols + inputs)
        self._count += len(inputs)
        if self._count > max(_FEW, len(self._sorted)):
            self.all()

    def all(self) -> Indices:
        """The edges so far, ascending, each once."""
        keys = np.concatenate([self._sorted, *self._new])
        keys.sort()
        if keys.size:
            keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
        self._sorted, self._new, self._count = keys, [], 0
        return keys
