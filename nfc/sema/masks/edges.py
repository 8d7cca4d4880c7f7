"""The edges of a mask while they are found, output by output."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import sparse
from nfc.sema.budget import Budget
from nfc.source import Span


@dataclass
class EdgeList:
    """The edges of outputs 0, 1, …: pieces in CSR order, columns in 32 bits until all are there.

    Attributes:
        used: edges of what was built before, which count towards the same limit.
        span: the place of the limit's error.
    """

    rows: int
    cols: int
    budget: Budget
    used: int
    span: Span
    count: int = 0
    _fan_in: Indices = field(init=False)
    _pieces: list[NDArray[np.int32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._fan_in = np.zeros(self.rows, np.int64)

    def add(self, first: int, fan_in: Indices, inputs: Indices) -> None:
        """Add edges of the outputs from `first` on, behind those that are there.

        Raises:
            LimitError: there are too many edges, or it has taken too long.
        """
        self._fan_in[first : first + len(fan_in)] += fan_in
        self._pieces.append(inputs.astype(np.int32))
        self.count += len(inputs)
        self.budget.check_edges(self.used + self.count, self.span, "there are")
        self.budget.check_time(self.span)

    def factor(self) -> Factor:
        """The factor of the edges, which are given away."""
        indptr = np.zeros(self.rows + 1, np.int64)
        np.cumsum(self._fan_in, out=indptr[1:])
        indices = np.empty(self.count, np.int64)
        start = 0
        self._pieces.reverse()
        while self._pieces:
            piece = self._pieces.pop()
            indices[start : start + len(piece)] = piece
            start += len(piece)
        return sparse(self.cols, indptr, indices)
