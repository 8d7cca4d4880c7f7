"""Factors: one sparse bipartite graph each, with the way its edges lie kept as structure.

A factor of shape rows × cols joins `cols` inputs to `rows` outputs and has one weight an edge.
Edges are ordered as in CSR everywhere: by row, then by column. Each kind says how its weights are
laid out (`weight_shape`): one number an edge, in CSR order when flattened.
Nothing here builds a rows × cols matrix.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from nfc.ir.mixed_radix import number, subtract

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Factor(ABC):
    """One sparse 0/1 matrix, rows = outputs, cols = inputs."""

    kind: ClassVar[str]
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.rows, self.cols

    @property
    @abstractmethod
    def edges(self) -> int:
        """The number of ones."""

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weights in emitted programs and in weight files: a number an edge, in CSR order."""

    @abstractmethod
    def arrays(self) -> tuple[Indices, Indices]:
        """CSR (indptr [rows + 1], indices [edges]) with ascending columns in each row."""

    @abstractmethod
    def fan_in(self) -> Indices:
        """Edges of each row, [rows]."""

    @abstractmethod
    def fan_out(self) -> Indices:
        """Edges of each column, [cols]."""

    def csr(self) -> csr_array:
        """The pattern as a SciPy CSR array of ones (int64, so that products count paths)."""
        from scipy.sparse import csr_array

        indptr, indices = self.arrays()
        return csr_array((np.ones(len(indices), np.int64), indices, indptr), shape=self.shape)


@dataclass(frozen=True)
class Kron(Factor):
    """I_a ⊗ 1_{b×c} ⊗ I_d: dense is (1, b, c, 1), a diagonal (n, 1, 1, 1), a butterfly stage (n/(r·s), r, r, s).

    Output (i, j, l) reads the inputs (i, k, l) for all k. Weights: [b, c] for a dense factor,
    [a, b, c] where d is 1, else [a, b, d, c].
    """

    kind: ClassVar[str] = "kron"
    a: int
    b: int
    c: int
    d: int

    @property
    def rows(self) -> int:  # type: ignore[override]
        return self.a * self.b * self.d

    @property
    def cols(self) -> int:  # type: ignore[override]
        return self.a * self.c * self.d

    @property
    def edges(self) -> int:
        return self.a * self.b * self.c * self.d

    @property
    def is_dense(self) -> bool:
        return self.a == self.d == 1

    @property
    def weight_shape(self) -> tuple[int, ...]:
        if self.is_dense:
            return (self.b, self.c)
        return (self.a, self.b, self.c) if self.d == 1 else (self.a, self.b, self.d, self.c)

    def arrays(self) -> tuple[Indices, Indices]:
        start = (np.arange(self.a, dtype=np.int64) * self.c * self.d)[:, None, None, None]
        lane = np.arange(self.d, dtype=np.int64)[None, None, :, None]
        step = (np.arange(self.c, dtype=np.int64) * self.d)[None, None, None, :]
        indices = np.broadcast_to(start + lane + step, (self.a, self.b, self.d, self.c)).reshape(-1)
        return np.arange(self.rows + 1, dtype=np.int64) * self.c, indices

    def fan_in(self) -> Indices:
        return np.full(self.rows, self.c, np.int64)

    def fan_out(self) -> Indices:
        return np.full(self.cols, self.b, np.int64)


@dataclass(frozen=True, eq=False)
class Blocks(Factor):
    """Disjoint complete bipartite blocks of equal size: block t joins rows `row_sets[t]` to columns `col_sets[t]`.

    row_sets is [blocks, height], col_sets [blocks, width]; both ascend inside a block, the blocks
    by their first row, and together they hold each row and each column exactly once. This is a
    `Kron` between two permutations. Weights: [rows, width], a row's weights in column order.
    """

    kind: ClassVar[str] = "blocks"
    row_sets: Indices
    col_sets: Indices

    @property
    def rows(self) -> int:  # type: ignore[override]
        return int(self.row_sets.size)

    @property
    def cols(self) -> int:  # type: ignore[override]
        return int(self.col_sets.size)

    @property
    def edges(self) -> int:
        return int(self.rows * self.col_sets.shape[1])

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.rows, self.col_sets.shape[1])

    def arrays(self) -> tuple[Indices, Indices]:
        width = self.col_sets.shape[1]
        indices = np.empty((self.rows, width), np.int64)
        indices[self.row_sets] = self.col_sets[:, None, :]
        return np.arange(self.rows + 1, dtype=np.int64) * width, indices.reshape(-1)

    def fan_in(self) -> Indices:
        return np.full(self.rows, self.col_sets.shape[1], np.int64)

    def fan_out(self) -> Indices:
        return np.full(self.cols, self.row_sets.shape[1], np.int64)


@dataclass(frozen=True)
class Shifts(Factor):
    """A circulant in mixed radix: output o reads input i where digitwise (o − i) mod dims is one of `offsets`.

    Square, n = product of dims; the first digit is the least significant (stride 1). A torus has
    dims (side, side), a hypercube (2, …, 2). Offsets are distinct modulo dims. Weights: [n, k].
    """

    kind: ClassVar[str] = "shifts"
    dims: tuple[int, ...]
    offsets: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> int:  # type: ignore[override]
        return prod(self.dims)

    @property
    def cols(self) -> int:  # type: ignore[override]
        return prod(self.dims)

    @property
    def edges(self) -> int:
        return self.rows * len(self.offsets)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.rows, len(self.offsets))

    @cached_property
    def table(self) -> Indices:
        """The inputs of each output, ascending, [rows, k]."""
        return self.inputs_of(np.arange(self.rows, dtype=np.int64))

    def inputs_of(self, outputs: Indices) -> Indices:
        """The inputs of some outputs, ascending, [outputs, k]."""
        moves = np.array([number(self.dims, offset) for offset in self.offsets], np.int64)
        return np.sort(subtract(self.dims, outputs[:, None], moves), axis=1)

    def arrays(self) -> tuple[Indices, Indices]:
        return np.arange(self.rows + 1, dtype=np.int64) * len(self.offsets), self.table.reshape(-1)

    def fan_in(self) -> Indices:
        return np.full(self.rows, len(self.offsets), np.int64)

    def fan_out(self) -> Indices:
        return np.full(self.cols, len(self.offsets), np.int64)


@dataclass(frozen=True, eq=False)
class FanIn(Factor):
    """The same number of inputs for every output: `table[o]` are the inputs of o, ascending, [rows, k]."""

    kind: ClassVar[str] = "fan_in"
    cols: int
    table: Indices

    @property
    def rows(self) -> int:  # type: ignore[override]
        return len(self.table)

    @property
    def edges(self) -> int:
        return self.table.size

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.table.shape[0], self.table.shape[1])

    def arrays(self) -> tuple[Indices, Indices]:
        return np.arange(self.rows + 1, dtype=np.int64) * self.table.shape[1], self.table.reshape(-1)

    def fan_in(self) -> Indices:
        return np.full(self.rows, self.table.shape[1], np.int64)

    def fan_out(self) -> Indices:
        return np.bincount(self.table.reshape(-1), minlength=self.cols).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Edges(Factor):
    """Any pattern, as CSR. Weights: [edges]."""

    kind: ClassVar[str] = "edges"
    cols: int
    indptr: Indices
    indices: Indices

    @property
    def rows(self) -> int:  # type: ignore[override]
        return len(self.indptr) - 1

    @property
    def edges(self) -> int:
        return len(self.indices)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (len(self.indices),)

    def arrays(self) -> tuple[Indices, Indices]:
        return self.indptr, self.indices

    def fan_in(self) -> Indices:
        return np.diff(self.indptr)

    def fan_out(self) -> Indices:
        return np.bincount(self.indices, minlength=self.cols).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Restricted(Factor):
    """The edges of a `Kron` between live outputs and live inputs: what fitting and pruning leave of it.

    live_rows has as many flags as this factor has rows (the first ones of `base`), live_cols as
    many as it has columns. Weights: [edges].
    """

    kind: ClassVar[str] = "restricted"
    base: Kron
    live_rows: Flags
    live_cols: Flags

    @property
    def rows(self) -> int:  # type: ignore[override]
        return len(self.live_rows)

    @property
    def cols(self) -> int:  # type: ignore[override]
        return len(self.live_cols)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.edges,)

    @cached_property
    def edges(self) -> int:
        return int(self.fan_in().sum())

    @cached_property
    def _live(self) -> Flags:
        """Which edges of `base` live, [base.edges]; in CSR order, as base weights are."""
        indptr, indices = self.base.arrays()
        return np.repeat(_padded(self.live_rows, self.base.rows), np.diff(indptr)) & _padded(
            self.live_cols, self.base.cols
        ).take(indices)

    @cached_property
    def block_heights(self) -> Indices:
        """The live outputs of each block of `base`, [a, 1, d]."""
        flags = _padded(self.live_rows, self.base.rows)
        return _counts(flags.reshape(self.base.a, self.base.b, self.base.d))

    @cached_property
    def block_widths(self) -> Indices:
        """The live inputs of each block of `base`, [a, 1, d]."""
        flags = _padded(self.live_cols, self.base.cols)
        return _counts(flags.reshape(self.base.a, self.base.c, self.base.d))

    def of_row(self, blocks: Indices) -> Indices:
        """What blocks hold, [a, 1, d], for the live rows of each; 0 for the others, [rows]."""
        return np.repeat(blocks, self.base.b, axis=1).reshape(-1)[: self.rows] * self.live_rows

    def of_column(self, blocks: Indices) -> Indices:
        """What blocks hold, [a, 1, d], for the live columns of each; 0 for the others, [cols]."""
        return np.repeat(blocks, self.base.c, axis=1).reshape(-1)[: self.cols] * self.live_cols

    def block_positions(self) -> Indices:
        """Where each edge lies among the edges of `base`, ascending, [edges]."""
        return np.flatnonzero(self._live)

    def arrays(self) -> tuple[Indices, Indices]:
        _, indices = self.base.arrays()
        return np.concatenate([[0], np.cumsum(self.fan_in())]).astype(np.int64), indices[self._live]

    def fan_in(self) -> Indices:
        return self.of_row(self.block_widths)

    def fan_out(self) -> Indices:
        return self.of_column(self.block_heights)


def _padded(flags: Flags, size: int) -> Flags:
    """The flags, and False up to the size."""
    padded = np.zeros(size, np.bool_)
    padded[: len(flags)] = flags
    return padded


def _counts(flags: Flags) -> Indices:
    """How many of the flags of each block are set, [a, neurons, d] → [a, 1, d]."""
    return np.add.reduce(flags, axis=1, dtype=np.int64, keepdims=True)
