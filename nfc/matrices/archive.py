"""Zip archives from anywhere: members by name, read as streams of bounded memory."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from nfc.matrices.errors import damaged

DIRECTORY_BYTES = 2**21
"""The longest list of members that is read: some 20 000 of them."""

READ_BYTES = 2**20
"""What is decompressed at a time."""

_ENCRYPTED = 1
_FAULTS = (
    BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError, LookupError,
    RuntimeError,
)  # fmt: skip
"""What `zipfile` raises for a damaged archive."""


class Archive:
    """The members of a zip archive by name, `.npy` left out of it.

    No path in it means anything here, sizes that it declares are not trusted, and a member is
    decompressed no further than it is read.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._zip = ZipFile(_Bounded(file))
        except _FAULTS as error:
            raise _damaged(error) from None
        self._counts = Counter(info.filename.removesuffix(".npy") for info in self._zip.infolist())
        self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> list[str]:
        return list(self._members)

    @contextmanager
    def member(self, name: str) -> Iterator[Member]:
        """A member from its first byte to its last; its checksum is compared where all is read.

        Raises:
            MatrixError: NF707 where it cannot be read.
        """
        info = self._members.get(name)
        if info is None:
            raise damaged(f"has no `{name}`, which a sparse matrix is stored with")
        if self._counts[name] > 1:
            raise damaged(f"has {self._counts[name]} members `{name}`; one is expected")
        if info.flag_bits & _ENCRYPTED:
            raise damaged("is encrypted")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise damaged("is compressed by another method than `deflate`")
        with self._opened(info) as opened:
            member = Member(opened, info.file_size)
            yield member
            if member.read(1):
                raise damaged(f"has bytes after the last entry of `{name}`")

    @contextmanager
    def _opened(self, info: ZipInfo) -> Iterator[IO[bytes]]:
        try:
            opened = self._zip.open(info)
        except _FAULTS as error:
            raise _damaged(error) from None
        with opened:
            yield opened


class Member:
    """The bytes of a member, some at a time; `left` is how many more are declared."""

    def __init__(self, opened: IO[bytes], size: int) -> None:
        self._opened = opened
        self.left = size

    def read(self, count: int, /) -> bytes:
        try:
            data = self._opened.read(min(count, READ_BYTES))
        except _FAULTS as error:
            raise _damaged(error) from None
        self.left -= len(data)
        return data


class _Bounded:
    """A file of which no piece is read at once that would fill the memory, whatever an archive declares."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        if count > DIRECTORY_BYTES:
            raise damaged(f"has a list of members of {count} bytes, more than {DIRECTORY_BYTES}")
        return self._file.read(DIRECTORY_BYTES if count < 0 else count)


def _damaged(error: Exception) -> Exception:
    return damaged(f"is no whole zip archive: {str(error) or type(error).__name__}")
