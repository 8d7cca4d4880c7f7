"""What can be set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from nfc.diagnostics import Diagnostic
from nfc.locks.coverage import SUFFIX
from nfc.settings.globs import matches

FORMATS = ("text", "json", "github", "sarif", "junit")
COLORS = ("auto", "always", "never")

Value = int | float | bool | str | list["Value"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Defaults of the command line, which wins over them.

    Attributes:
        folder: where the file lies; patterns are relative to it.
        include: patterns of the files that are taken from a folder.
        exclude: patterns of files and folders that are left out when folders are searched.
        format, color: as the options of these names; None where nothing is set.
        define: new values of parameters, for the files that have them.
        limits: fields of `nfc.limits.Limits`.
        lock: patterns of the files that have locks; None where nothing is set.
        ignore: codes that are kept back everywhere.
        per_file_ignores: patterns, and the codes that are kept back in the files they match.
    """

    folder: str = "."
    include: tuple[str, ...] = ("*.nf",)
    exclude: tuple[str, ...] = ()
    format: str | None = None
    color: str | None = None
    define: Mapping[str, Value] = field(default_factory=dict)
    limits: Mapping[str, int | float] = field(default_factory=dict)
    lock: tuple[str, ...] | None = None
    ignore: frozenset[str] = frozenset()
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...] = ()

    def path(self, name: str) -> str:
        """A file's path from the folder, with `/` between its parts."""
        return os.path.relpath(os.path.abspath(name), self.folder).replace(os.sep, "/")  # noqa: PTH100

    def includes(self, name: str) -> bool:
        """Whether a file of a folder is taken: by its own name where a pattern has no `/`. Locks never are."""
        path = self.path(name)
        own = path.rpartition("/")[2]
        fits = any(matches(pattern, path if "/" in pattern else own) for pattern in self.include)
        return fits and not path.endswith(SUFFIX) and not self.excludes(name)

    def excludes(self, name: str) -> bool:
        """Whether a file or a folder is left out."""
        return bool(self.exclude) and any(matches(pattern, self.path(name)) for pattern in self.exclude)

    def wants_lock(self, name: str) -> bool | None:
        """Whether a file should have a lock; None where nothing is set."""
        if self.lock is None:
            return None
        path = self.path(name)
        return any(matches(pattern, path) for pattern in self.lock)

    def ignores(self, diagnostic: Diagnostic) -> bool:
        """Whether the code of a diagnostic is kept back, everywhere or in its file."""
        if diagnostic.code in self.ignore:
            return True
        file = diagnostic.span.source.name if diagnostic.span else diagnostic.file
        if file is None or not any(diagnostic.code in codes for _, codes in self.per_file_ignores):
            return False
        path = self.path(file)
        return any(
            diagnostic.code in codes and matches(pattern, path) for pattern, codes in self.per_file_ignores
        )
