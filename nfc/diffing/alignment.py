"""Which operation of one network became which of another: a longest common subsequence with weights."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from nfc.diffing.operations import Operation

MOST_CELLS = 2**18
"""Pairs up to which the best alignment is searched; longer stretches are first cut at what stands once in both."""

Pair = tuple[int, int]
"""Places in the old sequence and in the new one."""


@dataclass(frozen=True)
class Alignment:
    """Pairs in the order of the new sequence, and places without a partner.

    Attributes:
        moved: the pairs outside of the longest part that kept its order.
    """

    pairs: tuple[Pair, ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]
    moved: frozenset[Pair]


def align(old: Sequence[Operation], new: Sequence[Operation]) -> Alignment:
    """The pairs that keep as much as can be: first what is equal and has its path, then what is equal, then paths."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    inner = _inner_pairs(before, after)
    pairs = [
        *((place, place) for place in range(start)),
        *((start + one, start + other) for one, other in inner),
        *((len(old) - place, len(new) - place) for place in range(end, 0, -1)),
    ]
    pairs += _left_over(old, new, pairs)
    pairs.sort(key=lambda pair: pair[1])
    kept = _longest_rise(pairs)
    return Alignment(
        tuple(pairs),
        tuple(_free(range(len(old)), {one for one, _ in pairs})),
        tuple(_free(range(len(new)), {other for _, other in pairs})),
        frozenset(pairs) - kept,
    )


def _common(old: Sequence[Operation], new: Sequence[Operation]) -> int:
    """How many operations at the start are equal."""
    for place, (one, other) in enumerate(zip(old, new, strict=False)):
        if one.path != other.path or one.scope != other.scope or one.signature != other.signature:
            return place
    return min(len(old), len(new))


def likeness(old: Operation, new: Operation) -> int:
    """What a pair is worth; 0 where the two are nothing to each other."""
    if old.kind != new.kind or old.weighted != new.weighted:
        return 0
    same_path, same_shape = old.path == new.path, (old.input, old.output) == (new.input, new.output)
    if old.signature == new.signature:
        return 12 if same_path else 8
    if same_path:
        return 6 if same_shape or old.topology == new.topology else 4
    if not old.weighted:
        return 2
    if old.digest is not None and old.digest == new.digest:
        return 7
    if old.topology != new.topology:
        return 0
    return 3 if same_shape else 2 * (old.input == new.input or old.output == new.output)


def _inner_pairs(old: Sequence[Operation], new: Sequence[Operation]) -> list[Pair]:
    """The best pairs of short stretches; long ones are cut at their anchors, as in a patience diff."""
    if len(old) * len(new) <= MOST_CELLS:
        return _best_pairs(old, new)
    anchors = _anchors(old, new)
    if not anchors:
        return []
    pairs: list[Pair] = []
    start, begin = 0, 0
    for one, other in [*anchors, (len(old), len(new))]:
        inner = _inner_pairs(old[start:one], new[begin:other])
        pairs += [(start + left, begin + right) for left, right in inner]
        if one < len(old):
            pairs.append((one, other))
        start, begin = one + 1, other + 1
    return pairs


def _anchors(old: Sequence[Operation], new: Sequence[Operation]) -> list[Pair]:
    """Equal operations that stand once in both sequences, those that kept their order."""
    before, after = _once(old), _once(new)
    pairs = [(before[key], place) for key, place in after.items() if key in before]
    return sorted(_longest_rise(pairs))


def _once(items: Sequence[Operation]) -> dict[Hashable, int]:
    """The places of signatures that stand once, in order."""
    counts = Counter(item.signature for item in items)
    return {item.signature: place for place, item in enumerate(items) if counts[item.signature] == 1}


def _best_pairs(old: Sequence[Operation], new: Sequence[Operation]) -> list[Pair]:
    """The pairs of greatest worth that keep the order (Needleman and Wunsch, 1970, without gap costs)."""
    known: dict[Pair, int] = {}
    kinds_old, kinds_new = _numbers(old), _numbers(new)
    best = [[0] * (len(new) + 1)]
    for one, row in zip(old, kinds_old, strict=True):
        above, line = best[-1], [0]
        for place, (other, column) in enumerate(zip(new, kinds_new, strict=True)):
            worth = known.get((row, column))
            if worth is None:
                worth = known[row, column] = likeness(one, other)
            line.append(max(above[place + 1], line[place], above[place] + worth if worth else 0))
        best.append(line)
    return _traced(best, lambda row, column: known[kinds_old[row], kinds_new[column]])


def _numbers(items: Sequence[Operation]) -> list[int]:
    """A number for each operation, equal where paths and signatures are."""
    numbers: dict[Hashable, int] = {}
    return [
        numbers.setdefault((item.path, item.weighted, item.topology, item.signature), len(numbers))
        for item in items
    ]


def _traced(best: list[list[int]], worth: Callable[[int, int], int]) -> list[Pair]:
    """The pairs of a way through the table that is worth what its last cell says."""
    pairs: list[Pair] = []
    row, column = len(best) - 1, len(best[0]) - 1
    while row and column:
        value = worth(row - 1, column - 1)
        if value and best[row][column] == best[row - 1][column - 1] + value:
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif best[row][column] == best[row - 1][column]:
            row -= 1
        else:
            column -= 1
    return pairs[::-1]


def _left_over(old: Sequence[Operation], new: Sequence[Operation], pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs of what kept no order: by path, then weighted layers by what they are."""
    free_old = _free(range(len(old)), {one for one, _ in pairs})
    free_new = _free(range(len(new)), {other for _, other in pairs})
    found: list[Pair] = []
    for key in (_by_path, _by_signature):
        waiting: dict[Hashable, list[int]] = {}
        for place in free_old:
            waiting.setdefault(key(old[place]), []).append(place)
        for place in free_new:
            partners = waiting.get(key(new[place]))
            if partners and key(new[place]) is not None:
                found.append((partners.pop(0), place))
        free_old = _free(free_old, {one for one, _ in found})
        free_new = _free(free_new, {other for _, other in found})
    return found


def _free(places: Iterable[int], taken: set[int]) -> list[int]:
    return [place for place in places if place not in taken]


def _by_path(operation: Operation) -> Hashable:
    return operation.kind, operation.weighted, operation.path


def _by_signature(operation: Operation) -> Hashable:
    return operation.signature if operation.weighted else None


def _longest_rise(pairs: Sequence[Pair]) -> frozenset[Pair]:
    """A longest subsequence whose old places ascend; the pairs are ordered by their new places."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (old, _) in enumerate(pairs):
        length = bisect_left(ends, old)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [old]
        last[length : length + 1] = [index]
    kept = set()
    index = last[-1] if last else -1
    while index >= 0:
        kept.add(pairs[index])
        index = before[index]
    return frozenset(kept)
