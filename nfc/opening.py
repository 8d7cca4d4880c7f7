"""Opening the files that a spec names: regular ones, under the folder of the file that is compiled."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Protocol

from nfc.diagnostics import Diagnostic, NfcError, did_you_mean
from nfc.source import Source

STANDARD_INPUT_NAME = "<stdin>"
NEIGHBOURS = 1000
"""Names in a folder that are compared with one that is not there."""


class Storage(Protocol):
    """Where the files of a program lie: on the disk, or in a revision of a repository."""

    def real(self, name: str) -> str:
        """Where a file is: one text for each file, its folders before it, whatever it is called."""

    def beside(self, user: str, path: str) -> str:
        """The name of the file that the source called `user` names by a path."""

    def opened(
        self,
        path: str,
        shown: str,
        missing_hints: Callable[[str], tuple[str, ...]],
        irregular_hints: tuple[str, ...] = (),
    ) -> AbstractContextManager[tuple[BinaryIO, int]]:
        """A file, opened for reading, and its size in bytes; arguments and errors as for `regular_file`."""


@dataclass(frozen=True)
class Folder:
    """Where the files of a program lie.

    Attributes:
        root: the name of the file that is compiled.
        path: its folder, symbolic links followed; None where files may lie anywhere.
    """

    root: str
    path: str | None

    @classmethod
    def of(cls, root: str, *, allow_outside: bool = False, storage: Storage | None = None) -> Folder:
        """The folder of a file; the working directory for a text without one."""
        real = (storage or DISK).real(root)
        return cls(root, None if allow_outside else os.path.dirname(real))  # noqa: PTH120

    def check(self, written: str, real: str) -> None:
        """Raises NfcError, NF705, where a path, as written and with links followed, lies outside."""
        if self.path is None or real.startswith(os.path.join(self.path, "")):  # noqa: PTH118
            return
        message = f"`{written}` lies outside of the folder of `{self.root}`"
        hints = ("used files lie beside the file that is compiled, or in folders below it",)
        raise NfcError([Diagnostic("NF705", message, None, hints=hints, file=self.root)])


@dataclass(frozen=True)
class DataFile:
    """A file that a topology reads: its name for people, and where it is, symbolic links followed."""

    shown: str
    real: str
    storage: Storage

    @contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """The file and its size in bytes.

        Raises:
            NfcError: NF702 where it cannot be read, or changes meanwhile.
        """
        with self.storage.opened(self.real, self.shown, _neighbours) as opened:
            yield opened


@dataclass(frozen=True)
class DataFiles:
    """The files that a program's topologies may read; without a storage those on the disk."""

    folder: Folder
    storage: Storage | None = None

    def locate(self, path: str, user: Source) -> DataFile:
        """The file that a source names by a path, relative to the source's folder.

        Raises:
            NfcError: NF702 for no path, NF705 where it lies outside.
        """
        if not path or "\0" in path:
            raise unreadable(path, "its name is empty or holds a NUL character")
        storage = self.storage or DISK
        shown = storage.beside(user.name, path)
        real = storage.real(shown)
        self.folder.check(path, real)
        return DataFile(shown, real, storage)


@contextmanager
def regular_file(
    path: str,
    shown: str,
    missing_hints: Callable[[str], tuple[str, ...]],
    irregular_hints: tuple[str, ...] = (),
) -> Iterator[BinaryIO]:
    """A file, opened for reading; pipes and devices are refused and not waited for.

    Args:
        shown: its name for people.
        missing_hints: hints where there is none at `path`.
        irregular_hints: hints where there is a pipe or a device.

    Raises:
        NfcError: NF702.
    """
    try:
        # Without O_NONBLOCK the call would wait for a pipe's other end.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "it is a symbolic link to nothing" if missing and os.path.islink(path) else reason(error)  # noqa: PTH114
        raise unreadable(shown, why, missing_hints(path) if missing else ()) from None
    except ValueError:
        raise unreadable(shown, "its name holds a NUL character") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise unreadable(shown, "it is a folder")
        if not stat.S_ISREG(mode):
            raise unreadable(shown, "it is no regular file", irregular_hints)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    except OSError as error:
        raise unreadable(shown, reason(error)) from None
    finally:
        os.close(descriptor)


def unreadable(shown: str, why: str, hints: tuple[str, ...] = ()) -> NfcError:
    message = f"cannot read `{shown}`: {why}"
    return NfcError([Diagnostic("NF702", message, None, hints=hints, file=shown)])


def reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return (error.strerror or str(error)).lower()


def beside(user: str, path: str) -> str:
    """A path that a source of this name writes, seen from the working directory."""
    folder = "" if user == STANDARD_INPUT_NAME else os.path.dirname(user)  # noqa: PTH120
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118


def real_path(name: str) -> str:
    """Where a file is, with symbolic links followed; the working directory's `<stdin>` for standard input."""
    try:
        return os.path.realpath(name)
    except (OSError, ValueError):
        return os.path.abspath("\ufffd")  # noqa: PTH100


class Disk:
    """The file system."""

    def real(self, name: str) -> str:
        return real_path(name)

    def beside(self, user: str, path: str) -> str:
        return beside(user, path)

    @contextmanager
    def opened(
        self,
        path: str,
        shown: str,
        missing_hints: Callable[[str], tuple[str, ...]],
        irregular_hints: tuple[str, ...] = (),
    ) -> Iterator[tuple[BinaryIO, int]]:
        """A file and its size. Raises NfcError, NF702, also where it changes meanwhile."""
        with regular_file(path, shown, missing_hints, irregular_hints) as opened:
            before = os.fstat(opened.fileno())
            yield opened, before.st_size
            after = os.fstat(opened.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise unreadable(shown, "it changed while it was read")


DISK: Storage = Disk()


def _neighbours(missing: str) -> tuple[str, ...]:
    """A hint where a file has nearly the name of the one that is not there."""
    folder, name = os.path.split(missing)
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, NEIGHBOURS)]
    except OSError:
        return ()
    return did_you_mean(name, names)
