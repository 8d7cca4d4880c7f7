"""Many files in several processes: outcomes in the order of the files, whichever is done first.

Workers start from a server process that has imported what they need (`forkserver`) where the system
has one, else as fresh interpreters (`spawn`); neither inherits threads or locks of this process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from time import monotonic

from nfc.cli.checking import Job, Outcome, check_file, fault_of
from nfc.render.document import Fault

PATIENCE = 1.0
"""Seconds of work in this process before others are started, which takes about as long."""

IMPORTED = ["nfc.api", "nfc.checks", "nfc.cli.checking", "nfc.files", "nfc.sema.program", "nfc.suppressions"]
"""What workers need; the server imports it once for all of them."""


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_files(jobs: Sequence[Job], processes: int | None) -> list[Outcome]:
    """Check files, in several processes where they are worth it.

    Args:
        processes: how many; None for one at first, and as many as there are cores for what is left
            after a second.
    """
    if processes is None:
        done = list(_for_a_while(jobs))
        return [*done, *_in_processes(jobs[len(done) :], available_cores())]
    return _in_processes(jobs, processes)


def _for_a_while(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """The outcomes of the first jobs, until time is up; of all where there is a single core."""
    end = monotonic() + (PATIENCE if available_cores() > 1 else float("inf"))
    for job in jobs:
        if monotonic() > end:
            return
        yield check_file(job)


def _in_processes(jobs: Sequence[Job], processes: int) -> list[Outcome]:
    """The outcomes of all jobs. Standard input is read by this process alone."""
    abroad = [job for job in jobs if job.file != "-"]
    count = min(processes, len(abroad))
    if count < 2:
        return [check_file(job) for job in jobs]
    found = dict(zip(map(id, abroad), _from_pool(abroad, count), strict=True))
    return [found[id(job)] if id(job) in found else check_file(job) for job in jobs]


def _from_pool(jobs: Sequence[Job], processes: int) -> list[Outcome]:
    """Outcomes of a pool; where a worker dies, each job that is left has a process for itself."""
    outcomes: dict[int, Outcome] = {}
    with _pool(processes) as pool:
        futures = [pool.submit(check_file, job) for job in jobs]
        for index, future in enumerate(futures):
            outcome = _outcome(jobs[index], future)
            if outcome is not None:
                outcomes[index] = outcome
    return [outcomes[index] if index in outcomes else _alone(job) for index, job in enumerate(jobs)]


def _alone(job: Job) -> Outcome:
    with _pool(1) as pool:
        outcome = _outcome(job, pool.submit(check_file, job))
    died = Fault(
        job.file, "ProcessDied", "the process that checked this file ended, perhaps for lack of memory"
    )
    return outcome or Outcome(job.file, fault=died)


def _outcome(job: Job, future: Future[Outcome]) -> Outcome | None:
    """A job's outcome; None where a worker died, this job's or another's."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except Exception as fault:  # an outcome that cannot be sent
        if os.environ.get("NFC_DEBUG"):
            raise
        return Outcome(job.file, fault=fault_of(job.file, fault))


def _pool(processes: int) -> ProcessPoolExecutor:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(IMPORTED)
    return ProcessPoolExecutor(
        processes, mp_context=context, initializer=_prepare, initargs=(sys.getrecursionlimit(),)
    )


def _prepare(recursion_limit: int) -> None:
    """Give a worker the recursion limit of the command line; an interrupt ends it without a word."""
    sys.setrecursionlimit(recursion_limit)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
