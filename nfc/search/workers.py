"""Running pure functions over many tasks: in this process, or through joblib in others.

The scheduling is joblib's; results come as they are ready, each with its task's number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, TypeVar

from nfc.diagnostics import Diagnostic, NfcError
from nfc.search.interrupts import deferred_interrupts

Task = TypeVar("Task")
Result = TypeVar("Result")

BACKENDS = ("loky", "dask", "ray")
"""joblib's backends by name: processes of this machine, a Dask cluster, a Ray cluster."""

PACKAGES = {"loky": "joblib", "dask": "distributed", "ray": "ray"}

PATIENCE = 5
"""Seconds that a cluster has to answer."""

MOST_EACH = 4
"""Local processes for each processor at most."""

INSTALL = {
    "joblib": "`pip install neurofabric[cluster]` installs joblib and Dask; `--jobs 1` needs neither",
    "distributed": "`pip install neurofabric[cluster]` installs Dask",
    "ray": "`pip install ray` installs Ray",
}


@dataclass(frozen=True)
class Workers:
    """Where tasks run.

    Attributes:
        jobs: processes asked for; with 1 and no other backend, this one.
        backend: one of BACKENDS.
        address: of the cluster's scheduler. Without one Dask takes its own configuration's, as
            DASK_SCHEDULER_ADDRESS sets it, or starts a cluster of `jobs` workers here; so does Ray.
    """

    jobs: int = 1
    backend: str = "loky"
    address: str | None = None

    @property
    def processes(self) -> int:
        """Those that are started: with loky a few for each processor at most, for more would only wait."""
        return min(self.jobs, MOST_EACH * processors()) if self.backend == "loky" else self.jobs

    @property
    def is_serial(self) -> bool:
        return self.jobs == 1 and self.backend == "loky"

    def check(self) -> None:
        """Raises NfcError, NF640, where a package is missing."""
        if self.is_serial:
            return
        for package in dict.fromkeys(("joblib", PACKAGES[self.backend])):
            if not is_installed(package):
                message = f"`{self.backend}` with {self.jobs} jobs takes {package}, which is not installed"
                raise NfcError([Diagnostic("NF640", message, None, hints=(INSTALL[package],))])

    @contextmanager
    def running(self) -> Iterator[Run]:
        """The workers, ready to run; a cluster that was started for them is shut down at the end.

        Raises:
            NfcError: NF640, a package is missing, or the cluster cannot be reached.
        """
        self.check()
        if self.is_serial:
            yield _serially
            return
        from joblib import parallel_config

        with (
            _connection(self),
            parallel_config(backend=self.backend, n_jobs=self.processes),
            _processes(self) if self.backend == "loky" else nullcontext(),
        ):
            yield _in_parallel


class Run(Protocol):
    """Runs a function over tasks; gives each task's number and its result, in no particular order."""

    def __call__(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]: ...


def usual_jobs() -> int:
    """A process for each processor that this one may use; 1 where joblib is not installed."""
    return processors() if is_installed("joblib") else 1


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_installed(package: str) -> bool:
    return find_spec(package) is not None


def _serially(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
    return ((number, function(task)) for number, task in enumerate(tasks))


def _in_parallel(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
    from joblib import Parallel, delayed

    run = Parallel(return_as="generator_unordered", batch_size=1)
    found: Iterator[tuple[int, Result]] = run(
        delayed(_numbered)(number, function, task) for number, task in enumerate(tasks)
    )
    return found


def _numbered(number: int, function: Callable[[Task], Result], task: Task) -> tuple[int, Result]:
    return number, function(task)


@contextmanager
def _processes(workers: Workers) -> Iterator[None]:
    """Loky's processes, started before an interrupt can come between, and ended by one at once."""
    from multiprocessing import resource_tracker

    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    try:
        with deferred_interrupts():
            resource_tracker.ensure_running()
            loky_tracker.ensure_running()
        # Starting a tracker lets interrupts through again, so that processes come after it.
        with deferred_interrupts():
            Parallel()(delayed(os.getpid)() for _ in range(workers.processes))
        yield
    except KeyboardInterrupt:
        with deferred_interrupts():
            get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
        raise


@contextmanager
def _connection(workers: Workers) -> Iterator[None]:
    """The cluster's client, which joblib's backend looks for."""
    match workers.backend:
        case "dask":
            with _dask(workers):
                yield
        case "ray":
            with _ray(workers):
                yield
        case _:
            yield


@contextmanager
def _dask(workers: Workers) -> Iterator[None]:
    from dask import config
    from distributed import Client, LocalCluster

    address = workers.address or config.get("scheduler-address", None)
    try:
        if address is not None:
            with Client(address, timeout=PATIENCE):
                yield
            return
    except OSError as error:
        raise _unreachable("Dask", address, error) from None
    local = LocalCluster(n_workers=workers.jobs, threads_per_worker=1, dashboard_address=None)
    with local, Client(local):
        yield


@contextmanager
def _ray(workers: Workers) -> Iterator[None]:
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    size = {} if workers.address else {"num_cpus": workers.jobs}
    try:
        ray.init(address=workers.address, ignore_reinit_error=True, **size)
    except (OSError, ConnectionError) as error:
        raise _unreachable("Ray", workers.address, error) from None
    try:
        yield
    finally:
        ray.shutdown()


def _unreachable(cluster: str, address: str | None, error: Exception) -> NfcError:
    message = f"no {cluster} cluster answers at `{address}`: {str(error).partition(chr(10))[0].lower()}"
    hint = "without --address a cluster is started on this machine"
    return NfcError([Diagnostic("NF640", message, None, hints=(hint,))])
