"""Patches: sub-blocks of a fabric's matrix, each free up to a rank and independent of the others.

Where a fabric's matrices are exactly those that have, on disjoint sub-blocks (outputs × inputs),
rank at most r each and zeros elsewhere, the nearest one to any T is found block by block from
singular values (Eckart and Young, 1936). So it is for one factor, whose rows with the same inputs
are blocks of full rank, and for two factors X, then Y, whose middle neurons, taken together where
they have the same inputs and the same outputs, cover disjoint sub-blocks: a group of r neurons
gives every matrix of rank r on its sub-block (Le, Riccietti and Gribonval, "Spurious valleys, NP-hardness,
and tractability of sparse matrix factorization with fixed support", SIAM J. Matrix Anal. Appl. 44, 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nfc.analysis.controllability.shapes import Shapes
from nfc.analysis.entries import Entries, collect, expansion, product, row_groups
from nfc.ir.fabric import Cascade, Fabric
from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import endpoints

LARGEST = 2**24
"""Entries of a fabric's matrix that a test for overlaps may list."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Patch k: all matrices of rank ≤ ranks[k] on its outputs × inputs.

    Attributes:
        outputs: [patches, rows], a one where an output belongs to a patch.
        inputs: [patches, cols].
        ranks: [patches], at most the smaller side.
    """

    outputs: Entries
    inputs: Entries
    ranks: Indices

    @property
    def shapes(self) -> Shapes:
        """Their sizes."""
        return Shapes(self.outputs.row_counts(), self.inputs.row_counts(), self.ranks)


def patches(fabric: Fabric) -> Patches | None:
    """The patches of a factor, of two factors in a row, or of a sum of such; None where they overlap."""
    if isinstance(fabric, Factor):
        return _of_factor(fabric)
    if isinstance(fabric, Cascade):
        first, second = fabric.parts[0], fabric.parts[-1]
        if len(fabric.parts) == 2 and isinstance(first, Factor) and isinstance(second, Factor):
            return of_pair(first, second)
        return None
    parts = [patches(part) for part in fabric.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    stacked = Patches(
        _stacked([part.outputs for part in known]),
        _stacked([part.inputs for part in known]),
        np.concatenate([part.ranks for part in known]),
    )
    return _disjoint(_grouped(stacked))


def of_pair(first: Factor, second: Factor) -> Patches | None:
    """The patches of `first`, then `second`; None where they overlap or are too many to tell."""
    middle = Patches(_entries(second).by_column, _entries(first), np.ones(first.rows, np.int64))
    return _disjoint(_grouped(middle))


def support(found: Patches) -> Entries | None:
    """The union of the sub-blocks, [rows, cols]; None where it has more than `LARGEST` entries."""
    by_output = found.outputs.by_column
    return product(by_output, found.inputs) if expansion(by_output, found.inputs) <= LARGEST else None


def _entries(factor: Factor) -> Entries:
    outputs, inputs = endpoints(factor)
    return Entries(factor.rows, factor.cols, outputs, inputs, np.ones_like(inputs))


def _of_factor(factor: Factor) -> Patches:
    rows = np.arange(factor.rows)
    each = Entries(factor.rows, factor.rows, rows, rows, np.ones_like(rows))
    inputs = _entries(factor)
    groups = row_groups(inputs)
    merged = _merged(Patches(each, inputs, np.ones_like(rows)), groups)
    shapes = merged.shapes
    return Patches(merged.outputs, merged.inputs, np.minimum(shapes.heights, shapes.widths))


def _stacked(parts: list[Entries]) -> Entries:
    """One above the other."""
    starts = np.cumsum([0, *(part.rows for part in parts)])
    row = np.concatenate([part.row + start for part, start in zip(parts, starts, strict=False)])
    col, value = (np.concatenate([getattr(part, name) for part in parts]) for name in ("col", "value"))
    return Entries(int(starts[-1]), parts[0].cols, row, col, value)


def _grouped(found: Patches) -> Patches:
    """Patches with the same outputs and the same inputs made one, their ranks added."""
    above, below = row_groups(found.outputs), row_groups(found.inputs)
    live = (above >= 0) & (below >= 0)
    groups = np.full(len(live), -1, np.int64)
    pairs = above[live] * (int(below.max(initial=0)) + 1) + below[live]
    groups[live] = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    return _merged(found, groups)


def _merged(found: Patches, groups: Indices) -> Patches:
    """One patch a group, those of group −1 left out; members of a group share inputs or outputs."""
    live = groups >= 0
    count = int(groups.max(initial=-1)) + 1
    ranks = np.bincount(groups[live], weights=found.ranks[live], minlength=count).astype(np.int64)
    outputs, inputs = (_of_groups(entries, groups, count) for entries in (found.outputs, found.inputs))
    return Patches(outputs, inputs, np.minimum(ranks, np.minimum(outputs.row_counts(), inputs.row_counts())))


def _of_groups(entries: Entries, groups: Indices, count: int) -> Entries:
    group = groups[entries.row]
    used = group >= 0
    united = collect(count, entries.cols, group[used], entries.col[used], entries.value[used])
    return Entries(count, entries.cols, united.row, united.col, np.ones_like(united.value))


def _disjoint(found: Patches) -> Patches | None:
    """The patches if no two overlap."""
    if _sides_are_disjoint(found):
        return found
    union = support(found)
    return found if union is not None and (union.value == 1).all() else None


def _sides_are_disjoint(found: Patches) -> bool:
    """Whether distinct sets of outputs are disjoint, and distinct sets of inputs: then patches are."""
    return all(_are_disjoint(side) for side in (found.outputs, found.inputs))


def _are_disjoint(sets: Entries) -> bool:
    groups = row_groups(sets)
    count = int(groups.max(initial=-1)) + 1
    united = collect(count, sets.cols, groups[sets.row], sets.col, sets.value)
    return bool((united.column_counts() <= 1).all())
