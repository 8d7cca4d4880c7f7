"""What a `for` clause of a set runs through, at many indices at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nfc.ir.factors import Flags, Indices
from nfc.sema.errors import EvaluationError
from nfc.sema.functions import length
from nfc.sema.masks.vectors import (
    Constant,
    Ends,
    Items,
    Operand,
    Vector,
    as_vector,
    gathered,
    integers,
    values_of,
)
from nfc.sema.values import Interval, Value, kind_of
from nfc.source import Span


class EndlessError(Exception):
    """A clause runs through more values than all of a mask may."""


@dataclass(frozen=True, eq=False)
class Iteration:
    """The values that a clause runs through at each of n indices.

    Value k at index j is `base[j] + k`, of a list what stands at that place of the table.

    Attributes:
        counts: how many values, [n]; 0 where there is nothing to run through.
        table: the items of lists.
        listed: where a list is run through, [n]; None for everywhere if there is a table.
        wrong: where there is neither range nor list, [n].
    """

    counts: Indices
    base: Indices
    table: Vector | None = None
    listed: Flags | None = None
    wrong: Flags | None = None

    def windows(self, first: int, size: int) -> Iterator[tuple[Indices, Vector]]:
        """(index of each value, the values) in order, at most `size` at a time.

        Args:
            first: the indices from there on are left out.
        """
        ends = np.cumsum(self.counts[:first])
        starts = ends - self.counts[:first]
        total = int(ends[-1]) if first else 0
        for begin in range(0, total, size):
            end = min(total, begin + size)
            low, high = np.searchsorted(ends, (begin, end - 1), side="right")
            here = slice(int(low), int(high) + 1)
            shares = np.minimum(ends[here], end) - np.maximum(starts[here], begin)
            indices = np.repeat(np.arange(here.start, here.stop), shares)
            yield indices, self._at(indices, self.base[indices] - starts[indices] + np.arange(begin, end))

    def _at(self, indices: Indices, places: Indices) -> Vector:
        if self.table is None:
            return integers(places)
        if self.listed is None:
            return Vector(self.table.values[places], self.table.low, self.table.high)
        listed = self.listed[indices]
        values = places.astype(self.table.values.dtype if self.table.is_integer else np.object_)
        values[listed] = self.table.values[places[listed]]
        return integers(values) if self.table.is_integer else gathered(values.tolist(), None)


def iteration(operand: Operand, count: int, span: Span, most: int) -> Iteration:
    """What the operand's values at `count` indices are run through as.

    Raises:
        EndlessError: there are more than `most` values at one index.
    """
    match operand:
        case Constant(value=value):
            return _of_constant(value, count, span, most)
        case Ends(low=low, high=high) if low.is_integer and high.is_integer:
            return _of_ranges(operand, count, most)
        case Items(items=items):
            vectors = [vector for vector in map(as_vector, items) if vector is not None]
            if len(vectors) == len(items) and len({vector.values.dtype for vector in vectors}) == 1:
                return _of_lists(vectors, count)
    return _of_any(values_of(operand, (count,)), span, most)


def iterated(value: Value, span: Span) -> Sequence[Value]:
    """The values of a range or list, in order.

    Raises:
        EvaluationError: it is neither, or an end of the range is no integer.
    """
    if isinstance(value, tuple):
        return value
    if not isinstance(value, Interval):
        message = f"a range or a list is expected here; found {kind_of(value)}"
        raise EvaluationError("NF205", message, span)
    if value.integers is None:
        raise EvaluationError("NF205", "the ends of this range are integers; found a float", span)
    return value.integers


def _of_constant(value: Value, count: int, span: Span, most: int) -> Iteration:
    values = _run(value, span)
    if values is None:
        nothing = np.zeros(count, np.int64)
        return Iteration(nothing, nothing, wrong=np.ones(count, np.bool_))
    size = _bounded(values, most)
    counts = np.full(count, size, np.int64)
    if isinstance(values, range):
        return Iteration(counts, np.full(count, values.start, np.int64))
    return Iteration(counts, np.zeros(count, np.int64), gathered(values, None))


def _of_ranges(ends: Ends, count: int, most: int) -> Iteration:
    low = np.broadcast_to(ends.low.values, count)
    high = np.broadcast_to(ends.high.values, count)
    if np.any(high.astype(np.float64) - low > most):
        raise EndlessError
    return Iteration(np.where(high < low, 0, high - low + ends.inclusive), low)


def _of_lists(items: Sequence[Vector], count: int) -> Iteration:
    table = np.stack([np.broadcast_to(item.values, count) for item in items], axis=1)
    counts = np.full(count, len(items), np.int64)
    low, high = min(item.low for item in items), max(item.high for item in items)
    return Iteration(counts, np.arange(count) * len(items), Vector(table.reshape(-1), low, high))


def _of_any(values: Sequence[Value], span: Span, most: int) -> Iteration:
    """Of lists and ranges that differ in length and kind from index to index."""
    runs = [_run(value, span) for value in values]
    table: list[Value] = []
    places: dict[int, int] = {}
    for run in runs:
        if isinstance(run, tuple) and id(run) not in places:
            places[id(run)] = len(table)
            table += run
    return Iteration(
        counts=np.array([0 if run is None else _bounded(run, most) for run in runs], np.int64),
        base=np.array([run.start if isinstance(run, range) else places.get(id(run), 0) for run in runs]),
        table=gathered(table, None),
        listed=np.array([isinstance(run, tuple) for run in runs]),
        wrong=np.array([run is None for run in runs]),
    )


def _run(value: Value, span: Span) -> Sequence[Value] | None:
    try:
        return iterated(value, span)
    except EvaluationError:
        return None


def _bounded(values: Sequence[Value], most: int) -> int:
    size = length(values)
    if size > most:
        raise EndlessError
    return size
