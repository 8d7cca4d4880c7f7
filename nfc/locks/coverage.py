"""Which files should have a lock, and what is said of locks and files that lack each other."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nfc.diagnostics import Diagnostic

SUFFIX = ".lock"
"""What a lock's name has behind that of its file."""

Wants = Callable[[str], bool | None]
"""Whether the configuration wants a lock for a file; None where it says nothing about locks."""


@dataclass(frozen=True)
class Coverage:
    """What a search of folders found.

    Attributes:
        files: the names of the files that it found.
        locks: those of the locks, whether their files exist or not.
        wants: what the configuration says.
    """

    files: tuple[str, ...]
    locks: tuple[str, ...]
    wants: Wants

    def missing(self) -> Iterator[tuple[str, str]]:
        """Each file that lacks the lock that is expected of it, and why it is expected.

        A configuration that names the files with locks decides alone. Without one, a lock of any file
        says that those of its folder have locks.
        """
        known = frozenset(self.locks)
        beside = {os.path.dirname(lock): lock for lock in reversed(self.locks)}  # noqa: PTH120
        for file in self.files:
            if f"{file}{SUFFIX}" in known:
                continue
            wanted, neighbour = self.wants(file), beside.get(os.path.dirname(file))  # noqa: PTH120
            if wanted:
                yield file, "`lock` of [tool.nfc] wants one"
            elif wanted is None and neighbour:
                why = f"`{neighbour}` stands beside it; `lock` of [tool.nfc] says which files have locks"
                yield file, why

    @property
    def compared(self) -> tuple[str, ...]:
        """The files that have locks."""
        known = frozenset(self.locks)
        return tuple(file for file in self.files if f"{file}{SUFFIX}" in known)


def missing_lock(file: str, why: str) -> Diagnostic:
    """The error of a file without the lock that is expected of it."""
    lock = f"{file}{SUFFIX}"
    hints = (f"`nfc lock {file}` writes it", why)
    return Diagnostic("NF702", f"cannot read `{lock}`: there is no such file", None, hints=hints, file=lock)


def orphaned_lock(lock: str) -> Diagnostic:
    """The error of a lock whose file is gone."""
    message = f"not as locked: `{lock.removesuffix(SUFFIX)}` is gone, its lock is not"
    hints = ("a lock goes with its file; that of a file with another name is written anew",)
    return Diagnostic("NF512", message, None, hints=hints, file=lock)


def nothing_locked(arguments: Iterable[str]) -> Diagnostic:
    """The error of a comparison that compares nothing."""
    first = next(iter(arguments))
    hints = ("`nfc lock FILE` writes one", "`lock = []` in [tool.nfc] says that no file has one")
    message = f"cannot compare `{first}` with its locks: no file in it has one"
    return Diagnostic("NF702", message, None, hints=hints, file=first)
