"""Writing files whole: beside the target, then renamed over it, so that a failure leaves the old file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nfc.diagnostics import Diagnostic, NfcError

Chunk = bytes | memoryview
"""A piece of a file's content; large files are written from pieces, without a copy of the whole."""

_NEW_FILE = 0o666


def write_text(path: str | Path, text: str) -> None:
    """Write `text` in UTF-8, newlines as they stand; otherwise as `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, data: bytes) -> None:
    """Make `data` the whole content of the file at `path`; otherwise as `write_chunks`."""
    write_chunks(path, (data,))


def write_chunks(path: str | Path, chunks: Iterable[Chunk]) -> None:
    """Make `chunks` the whole content of the file at `path`, or leave what is there as it is.

    A symbolic link stays and its target is replaced; permissions of an existing file are kept.
    Devices and pipes, which cannot be renamed over, are written to directly.

    Raises:
        NfcError: NF750 when the target is a folder, its folder is missing, or writing is refused.
    """
    shown, given, target = str(path), Path(path), Path(os.path.realpath(path))
    try:
        if given.exists() and not given.is_file() and not given.is_dir():
            with given.open("wb") as file:  # /dev/stdout of a pipe leads to no path that could be opened
                file.writelines(chunks)
        else:
            refuse_unwritable(target, shown)
            _replace(target, chunks)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _unwritable(shown, reason, "another place can be given, or room and permission made") from None


def refuse_unwritable(target: Path, shown: str) -> None:
    """Raise NF750 when it is clear before writing that `target`, shown as `shown`, cannot be written."""
    if target.is_dir():
        raise _unwritable(shown, "it is a folder", "a file name is needed")
    if not target.parent.is_dir():
        raise _unwritable(shown, "its folder does not exist", "the folder has to be made first")
    if target.exists() and not os.access(target, os.W_OK):
        raise _unwritable(shown, "it is write-protected", "its permissions have to allow writing")
    if not os.access(target.parent, os.W_OK):
        raise _unwritable(shown, "its folder is write-protected", "another place can be given")


def _replace(target: Path, chunks: Iterable[Chunk]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _mode(target: Path) -> int:
    """The permissions of an existing file, or those that a new file gets here."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return _NEW_FILE & ~mask


def _unwritable(shown: str, reason: str, hint: str) -> NfcError:
    return NfcError([Diagnostic("NF750", f"cannot write `{shown}`: {reason}", None, hints=(hint,))])
