"""How times are taken: interleaved in one process, as medians with quartiles.

Rivals run in turns, so that what slows the machine for a while slows all of them; a ratio of two
times of one run then says more than either time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np

Clock = Callable[[], float]

LEAST_ROUNDS = 3
"""Rounds that are run however little time there is: fewer give no quartiles."""

WARMING = 5e-3
"""Seconds for which a function runs before each call that counts, unless one call takes longer."""

MOST_WARMING_CALLS = 8

LARGEST_THRESHOLD = 31 * 2**20
"""Bytes of a block just below glibc's greatest threshold, 32 MiB (DEFAULT_MMAP_THRESHOLD_MAX)."""


@dataclass(frozen=True)
class Timing:
    """The times of `count` calls, in seconds: the median, the quartiles and the shortest."""

    median: float
    q1: float
    q3: float
    least: float
    count: int


def interleaved(
    functions: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    warm_up: int = 2,
    clock: Clock = perf_counter,
) -> dict[str, Timing]:
    """Time functions in turns, first to last, round by round.

    Each is called before the call that counts, for WARMING seconds but once at least, so that it
    finds the caches as it leaves them itself, as in a loop of its own, and not as the one before it
    does: a small product would else pay for what a large one has pushed out. After a dense layer of
    1024 by 1024, a Monarch layer's second call takes a sixth longer than its tenth.

    Args:
        functions: by name; what they return is thrown away after the clock is read.
        seconds: how long to go on for, all functions together, the warm-up left out; a round that
            has begun is finished, and at least LEAST_ROUNDS are run.
        warm_up: calls of each function that are not counted, in the same order.
        clock: gives the time in seconds.
    """
    for _ in range(warm_up):
        for function in functions.values():
            function()
    taken: dict[str, list[float]] = {name: [] for name in functions}
    begin, rounds = clock(), 0
    while functions and (rounds < LEAST_ROUNDS or clock() - begin < seconds):
        for name, function in functions.items():
            _warm(function, clock)
            taken[name].append(_time(function, clock))
        rounds += 1
    return {name: timing(times) for name, times in taken.items()}


def timing(times: list[float]) -> Timing:
    """The median and the quartiles of times in seconds; ValueError for none."""
    if not times:
        raise ValueError("expected at least one time, found none")
    least, q1, median, q3 = np.quantile(np.array(times), (0.0, 0.25, 0.5, 0.75)).tolist()
    return Timing(median=median, q1=q1, q3=q3, least=least, count=len(times))


def _warm(function: Callable[[], object], clock: Clock) -> None:
    enough = clock() + WARMING
    for _ in range(MOST_WARMING_CALLS):
        function()
        if clock() >= enough:
            break


def _time(function: Callable[[], object], clock: Clock) -> float:
    begin = clock()
    result = function()
    end = clock()
    del result
    return end - begin


def warm_allocator() -> None:
    """Bring glibc's allocator into the state that it has in a process that has run for a while.

    glibc takes large blocks from the system and gives them back when they are freed, and each page
    of a block is then faulted in again at its first touch: at microseconds a page that costs more
    than the kernels that are measured. Freeing one block of 31 MiB raises the threshold of this
    (and with it that of trimming the heap) to its greatest value, as the first large block of any
    training process does; blocks below it are then kept. See M_MMAP_THRESHOLD in mallopt(3).
    """
    block = np.empty(LARGEST_THRESHOLD, np.uint8)
    block[0] = 1
    del block


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads inside an operation, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
