"""Options that `score` and `search` share: the place, the effort, the workers, and the file with definitions."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nfc.cli.options import count
from nfc.cli.programs import Opening
from nfc.cli.progress import progress
from nfc.diagnostics import Diagnostic, Severity, Sink

if TYPE_CHECKING:
    from nfc.search.definitions import Definitions
    from nfc.search.measure import Effort
    from nfc.search.workers import Workers

Verb = TypeVar("Verb", bound=Callable[..., Any])


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread_each() -> None:
    """Let this process and those that it starts compute with one thread, unless the environment says otherwise.

    The last digits of a product depend on the number of threads, and results must not depend on the
    number of processes. Libraries read this when they are loaded.
    """
    if "numpy" not in sys.modules:
        for name in THREADS:
            os.environ.setdefault(name, "1")


@dataclass(frozen=True)
class Measuring:
    """How thoroughly topologies are scored, and where: `--targets`, `--seed`, `--jobs`, `--backend`, `--address`."""

    targets: int
    seed: int
    jobs: int | None
    backend: str
    address: str | None

    @property
    def effort(self) -> Effort:
        from nfc.search.measure import Effort

        return Effort(self.targets, self.seed)

    def workers(self, tasks: int | None = None) -> Workers:
        """Where so many tasks run; without `--jobs`, on every processor if joblib is installed."""
        from nfc.search.workers import Workers, usual_jobs

        jobs = self.jobs or usual_jobs()
        return Workers(jobs if tasks is None else max(min(jobs, tasks), 1), self.backend, self.address)

    def note_serial(self, sink: Sink) -> None:
        """A warning where processors stay idle because joblib is missing and nobody chose `--jobs`."""
        from nfc.search.workers import INSTALL, is_installed, processors

        if self.jobs is None and processors() > 1 and not is_installed("joblib"):
            message = "one process works, since joblib is not installed"
            hint = INSTALL["joblib"]
            sink.add(Diagnostic("NF640", message, None, Severity.WARNING, hints=(hint,)))


def measuring_options(verb: Verb) -> Verb:
    """How topologies are scored and where, handed on as `measuring`."""

    @click.option(
        "--targets",
        type=count,
        default="3",
        show_default=True,
        metavar="N",
        help="Random matrices that controllability is measured on.",
    )
    @click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        default=0,
        show_default=True,
        metavar="N",
        help="Seed of all that is drawn for the score.",
    )
    @click.option("--jobs", type=count, metavar="N", help="Processes; by default one for each processor.")
    @click.option(
        "--backend",
        type=click.Choice(["loky", "dask", "ray"]),
        default="loky",
        show_default=True,
        help="joblib's backend: processes here, or those of a cluster.",
    )
    @click.option("--address", metavar="ADDRESS", help="The cluster's scheduler, such as tcp://host:8786.")
    @functools.wraps(verb)
    def wrapped(
        *args: Any,
        targets: int,
        seed: int,
        jobs: int | None,
        backend: str,
        address: str | None,
        **options: Any,
    ) -> Any:
        if address is not None and backend == "loky":
            raise click.UsageError("--address goes with --backend dask or ray")
        one_thread_each()
        return verb(*args, measuring=Measuring(targets, seed, jobs, backend, address), **options)

    return wrapped  # type: ignore[return-value]


def definitions_of(file: str | None, opening: Opening, sink: Sink) -> Definitions | None:
    """What expressions may name: the definitions of a file, or of none; None after an error, which is in the sink."""
    from nfc.search.definitions import Definitions

    if file is None:
        if opening.parameters:
            raise click.UsageError("-D goes with --file: without a file there is nothing to override")
        return Definitions.of(None, opening.limits, allow_outside=opening.allow_outside)
    program = opening.open(file, sink)
    if program is None:
        return None
    return Definitions.of(program.elaborated, opening.limits)


@dataclass
class Meter:
    """The progress of something with a count, shown while it runs."""

    doing: str = "starting"
    counts: list[int] = field(default_factory=lambda: [0, 0])

    def report(self, doing: str, done: int, total: int) -> None:
        self.doing, self.counts = doing, [done, total]

    def __str__(self) -> str:
        done, total = self.counts
        return f"{self.doing}, {done} of {total}" if total else self.doing

    @contextmanager
    def shown(self) -> Iterator[None]:
        with progress(self.__str__):
            yield
