"""Which files the arguments of a verb mean: files themselves, folders that are searched, patterns.

Folders are searched for what `include` says, in the order of names. Left out are hidden files and
folders, those that hold what is built or installed, and what `exclude` says; a file that is named is
always taken. Links to folders are not followed; a link to nothing is taken, so that it is reported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from nfc.diagnostics import Diagnostic
from nfc.opening import reason
from nfc.settings.globs import MAGIC, matches_whole
from nfc.settings.model import Settings

STANDARD_INPUT = "-"
LEFT_OUT = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv"})
"""Names of folders that hold nobody's specs; a folder with `pyvenv.cfg` is another."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file; `named` where an argument names it, not a folder or a pattern."""

    name: str
    named: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """What lies in a folder; a link to a folder is neither a folder nor a file."""

    name: str
    path: str
    is_folder: bool
    is_file: bool

    @property
    def is_left_out(self) -> bool:
        """Whether a folder holds what is built or installed."""
        return self.name in LEFT_OUT or os.path.isfile(os.path.join(self.path, "pyvenv.cfg"))  # noqa: PTH113, PTH118


@dataclass
class Discovery:
    """The files that were found, each once, and what is wrong with the arguments.

    Attributes:
        suffix: what stands behind the names of what is looked for in folders: the locks of files, for one.
    """

    settings: Settings
    suffix: str = ""
    files: list[Found] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def add(self, argument: str) -> None:
        """Add the files of an argument; NF702 where a folder or a pattern has none."""
        if argument == STANDARD_INPUT or not (_is_folder(argument) or _is_pattern(argument)):
            self._take(argument, named=True)
            return
        found = list(self._search(argument))
        for name in found:
            self._take(name, named=False)
        if not found:
            is_folder = _is_folder(argument)
            lack = "no file in it is one to check" if is_folder else "no file matches the pattern"
            patterns = " or ".join(f"`{pattern}`" for pattern in self.settings.include)
            hints = (f"files that match {patterns} are taken from folders",) if is_folder else ()
            self._report(argument, lack, hints)

    def _take(self, name: str, *, named: bool) -> None:
        key = name if name == STANDARD_INPUT else os.path.abspath(name)  # noqa: PTH100
        if key not in self._known:
            self._known.add(key)
            self.files.append(Found(name, named))

    def _search(self, argument: str) -> Iterator[str]:
        if _is_folder(argument):
            folder = "" if os.path.normpath(argument) == "." else argument
            yield from self._walk(folder, self.settings.includes, hidden=False)
            return
        folder, pattern = _split(argument)
        start = len(os.path.join(folder, ""))  # noqa: PTH118

        def fits(name: str) -> bool:
            relative = name[start:].replace(os.sep, "/")
            return matches_whole(pattern, relative) and not self.settings.excludes(name)

        yield from self._walk(folder, fits, hidden=pattern.startswith(".") or "/." in pattern)

    def _walk(self, folder: str, takes: Callable[[str], bool], *, hidden: bool) -> Iterator[str]:
        """The files below a folder, by names; a file stands before or after a folder as its name does."""
        pending = self._entries(folder)
        while pending:
            entry = pending.pop()
            if entry.name.startswith(".") and not hidden:
                continue
            if entry.is_folder:
                if not (entry.is_left_out or self.settings.excludes(entry.path)):
                    pending.extend(self._entries(entry.path))
            elif (
                entry.is_file
                and entry.path.endswith(self.suffix)
                and takes(entry.path.removesuffix(self.suffix))
            ):
                yield entry.path

    def _entries(self, folder: str) -> list[_Entry]:
        """What lies in a folder, last name first; a folder that cannot be read is reported."""
        try:
            with os.scandir(folder or ".") as entries:
                found = [
                    _Entry(
                        name=each.name,
                        path=os.path.join(folder, each.name),  # noqa: PTH118
                        is_folder=each.is_dir(follow_symlinks=False),
                        is_file=_may_be_file(each),
                    )
                    for each in entries
                ]
        except OSError as error:
            self._report(folder or ".", reason(error))
            return []
        return sorted(found, key=lambda entry: entry.name, reverse=True)

    def _report(self, name: str, why: str, hints: tuple[str, ...] = ()) -> None:
        message = f"cannot read `{name}`: {why}"
        self.diagnostics.append(Diagnostic("NF702", message, None, hints=hints, file=name))


def discover(arguments: Iterable[str], settings: Settings, suffix: str = "") -> Discovery:
    """The files that the arguments mean, in their order.

    Args:
        suffix: look for what is called as such files with this behind it.
    """
    discovery = Discovery(settings, suffix)
    for argument in arguments:
        discovery.add(argument)
    return discovery


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or one that cannot be told, which is reported where it is read.

    A link to nothing is such a one: a file that is not checked has to be heard of.
    """
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    except OSError:
        return True


def _is_folder(argument: str) -> bool:
    try:
        return os.path.isdir(argument)  # noqa: PTH112
    except ValueError:  # a NUL character
        return False


def _is_pattern(argument: str) -> bool:
    """Whether an argument is no file but has marks of a pattern."""
    try:
        return MAGIC.search(argument) is not None and not os.path.lexists(argument)
    except ValueError:
        return False


def _split(argument: str) -> tuple[str, str]:
    """The folder that a pattern starts at, empty for the working directory, and the rest of the pattern."""
    parts = argument.replace(os.sep, "/").removeprefix("./").split("/")
    count = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    folder = "/".join(parts[:count])
    return folder or ("/" if argument.startswith("/") else ""), "/".join(parts[count:])
