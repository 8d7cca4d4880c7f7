from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict

import pytest
import torch

from nfc.bench.machine import machine
from nfc.bench.timing import (
    LEAST_ROUNDS,
    MOST_WARMING_CALLS,
    WARMING,
    interleaved,
    threads,
    timing,
    warm_allocator,
)


class Clock:
    """A clock that stands still but for the functions that it makes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def taking(self, name: str, *seconds: float) -> Callable[[], None]:
        """A function that takes these times one after the other, and the last for ever."""
        left = list(seconds)

        def function() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return function


def test_functions_take_turns() -> None:
    clock = Clock()
    functions = {"a": clock.taking("a", 1.0), "b": clock.taking("b", 2.0), "c": clock.taking("c", 3.0)}
    found = interleaved(functions, seconds=44.0, warm_up=2, clock=clock)
    rounds = 4  # of 12 seconds, two calls each: the fourth begins at 36 and is finished
    assert clock.calls == ["a", "b", "c"] * 2 + ["a", "a", "b", "b", "c", "c"] * rounds
    assert {name: (each.median, each.count) for name, each in found.items()} == {
        "a": (1.0, rounds),
        "b": (2.0, rounds),
        "c": (3.0, rounds),
    }


def test_the_warm_up_is_not_counted() -> None:
    clock = Clock()
    found = interleaved({"a": clock.taking("a", 50.0, 40.0, 1.0)}, seconds=10.0, warm_up=2, clock=clock)
    assert (found["a"].median, found["a"].q3, found["a"].count) == (1.0, 1.0, 5)


def test_the_call_before_each_one_that_counts_is_not_counted() -> None:
    clock = Clock()
    found = interleaved({"a": clock.taking("a", 9.0, 1.0, 9.0, 1.0)}, seconds=15.0, warm_up=0, clock=clock)
    assert (found["a"].least, found["a"].median, found["a"].q3) == (1.0, 1.0, 1.0)


def test_short_functions_are_called_until_they_are_warm() -> None:
    clock = Clock()
    interleaved({"a": clock.taking("a", WARMING / 4)}, seconds=0.0, warm_up=0, clock=clock)
    assert len(clock.calls) == LEAST_ROUNDS * (4 + 1)


def test_functions_without_a_time_are_called_some_times() -> None:
    clock = Clock()
    interleaved({"a": clock.taking("a", 0.0)}, seconds=0.0, warm_up=0, clock=clock)
    assert len(clock.calls) == LEAST_ROUNDS * (MOST_WARMING_CALLS + 1)


def test_there_are_quartiles_however_little_time_there_is() -> None:
    clock = Clock()
    found = interleaved({"a": clock.taking("a", 1.0)}, seconds=0.0, warm_up=0, clock=clock)
    assert found["a"].count == LEAST_ROUNDS == len(clock.calls) / 2


def test_no_functions_take_no_time() -> None:
    assert interleaved({}, seconds=1e9) == {}


def test_quartiles_agree_with_the_standard_library() -> None:
    times = [0.5, 9.0, 0.25, 3.0, 1.0, 2.5, 0.75]
    found = timing(times)
    assert [found.q1, found.q3, found.median] == pytest.approx(
        [statistics.quantiles(times, method="inclusive")[index] for index in (0, 2, 1)]
    )
    assert (found.least, found.count) == (0.25, 7)


def test_a_median_needs_a_time() -> None:
    with pytest.raises(ValueError, match="at least one time"):
        timing([])


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_the_allocator_keeps_what_is_freed_afterwards() -> None:
    """glibc maps blocks of 4 MiB anew at each use until its threshold has risen."""
    import subprocess
    import sys

    script = """
import resource, sys
import numpy as np
from nfc.bench.timing import warm_allocator
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(2**20, np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
warm_allocator()
faults()
print(faults())
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("glibc's allocator is Linux's")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20 * 2**10, "each of 20 blocks has 1024 pages"
    warm_allocator()


def test_a_machine_is_described_without_names_and_paths() -> None:
    found = asdict(machine())
    assert set(found) == {
        "processor", "cores", "memory", "system", "python", "numpy", "torch", "onnxruntime",
    }  # fmt: skip
    assert found["cores"] >= 1
    assert found["torch"] == torch.__version__
