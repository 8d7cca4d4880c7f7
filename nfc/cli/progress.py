"""A sign of life on standard error while something takes long, when it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

PATIENCE = 1.0
"""Seconds before anything is shown."""

CLEAR = "\r\x1b[K"


@contextmanager
def progress(doing: str | Callable[[], str]) -> Iterator[None]:
    """Show what is being done and for how long, once it takes longer than a second.

    Args:
        doing: what is done, or what says so each time it is shown.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    thread = Thread(target=_show, args=(doing, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(doing: str | Callable[[], str], done: Event) -> None:
    started = monotonic()
    wait = PATIENCE
    while not done.wait(wait):
        wait = 0.2
        said = doing if isinstance(doing, str) else doing()
        sys.stderr.write(f"{CLEAR}{said} … {monotonic() - started:.0f} s")
        sys.stderr.flush()
    if monotonic() - started > PATIENCE:
        sys.stderr.write(CLEAR)
        sys.stderr.flush()
