"""Reading sources: a file or standard input, and the files that it uses.

What `use` names stays under the root file's folder, symbolic links followed, unless more is allowed.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from nfc.diagnostics import Diagnostic, Label, NfcError, Severity, Sink
from nfc.limits import Limits
from nfc.opening import DISK, STANDARD_INPUT_NAME, DataFiles, Folder, Storage, unreadable
from nfc.revision import RevisionFile
from nfc.source import Source
from nfc.syntax import ast, parse

STANDARD_INPUT = "-"


@dataclass(frozen=True, eq=False)
class Files:
    """A file and all that it uses, directly or through others, each once.

    Attributes:
        root: the file that was asked for.
        used: the others in the order in which they are first met.
        data: the files that topologies may read.
    """

    root: ast.File
    used: tuple[ast.File, ...]
    data: DataFiles
    _links: dict[int, tuple[ast.File, ...]] = field(default_factory=dict, repr=False)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the `param`s of all these files."""
        definitions = (each for file in (self.root, *self.used) for each in file.definitions)
        return frozenset(
            each.name for each in definitions if isinstance(each, ast.Constant) and each.overridable
        )

    def uses(self, file: ast.File) -> tuple[ast.File, ...]:
        """The files that `file`, one of these, names in its `use` statements; unreadable ones left out."""
        return self._links.get(id(file), ())


def read_source(path: str | os.PathLike[str], limits: Limits) -> Source:
    """The text of a file, or of standard input for `-`, named as given.

    A byte-order mark is dropped, and line ends become newlines.

    Raises:
        NfcError: NF702 when it cannot be read, NF703 when it is no text, NF704 when it is too large.
    """
    return read_source_and_bytes(path, limits)[0]


def read_source_and_bytes(path: str | os.PathLike[str], limits: Limits) -> tuple[Source, bytes]:
    """As `read_source`, with the bytes as they are."""
    shown = os.fspath(path)
    if shown == STANDARD_INPUT:
        shown, data = STANDARD_INPUT_NAME, _read_standard_input(limits)
    else:
        data = _read(shown, shown, limits)
    return Source(shown, _decode(data, shown)), data


def text_source(text: str, name: str) -> Source:
    """A source of a text at hand, with the newlines that a file's would get.

    Raises:
        NfcError: NF703 when it is no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"character U+{ord(text[error.start]):04X} at offset {error.start}"
        raise _not_text(name, f"cannot be written as UTF-8: {found}") from None
    return Source(name, _text(text, name))


def load(
    path_or_source: str | os.PathLike[str] | Source | RevisionFile,
    sink: Sink,
    limits: Limits,
    *,
    allow_outside: bool = False,
) -> Files:
    """Read and parse a file and all that it uses; those of a revision's file are read from that revision.

    What is wrong inside of files, `use` statements included, goes to `sink`.

    Raises:
        NfcError: when the file itself cannot be read, or a given source is no text.
    """
    given, storage = path_or_source, DISK
    if isinstance(given, RevisionFile):
        storage = given.revision
        data = _read(storage.real(given.name), given.name, limits, storage)
        source = Source(given.name, _decode(data, given.name))
    elif isinstance(given, Source):
        source = text_source(given.text, given.name)
    else:
        source = read_source(given, limits)
    return _Loader(source, sink, limits, storage, allow_outside=allow_outside).load()


# --- reading ---


def _read(path: str, shown: str, limits: Limits, storage: Storage = DISK) -> bytes:
    hints = ("text from a pipe is read with `-` in place of the name",)
    with storage.opened(path, shown, _nearby, hints) as (file, _):
        return _bounded(file.read(limits.file_bytes + 1), shown, limits)


def _read_standard_input(limits: Limits) -> bytes:
    try:
        data = sys.stdin.buffer.read(limits.file_bytes + 1)
    except (OSError, ValueError, AttributeError):
        raise unreadable(STANDARD_INPUT_NAME, "standard input is closed") from None
    return _bounded(data, STANDARD_INPUT_NAME, limits)


def _bounded(data: bytes, shown: str, limits: Limits) -> bytes:
    if len(data) <= limits.file_bytes:
        return data
    message = f"`{shown}` is larger than {limits.file_bytes} bytes"
    hints = ("it can be split into files that are read with `use`",)
    raise NfcError([Diagnostic("NF704", message, None, hints=hints, file=shown)])


def _decode(data: bytes, shown: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}, in line {line}"
        raise _not_text(shown, f"is not UTF-8: {found}") from None
    return _text(text, shown)


def _text(text: str, shown: str) -> str:
    """The text without its byte-order mark and with newlines for line ends."""
    if "\0" in text:
        offset = len(text[: text.index("\0")].encode())
        raise _not_text(shown, f"is no text: a NUL character at offset {offset}")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _not_text(shown: str, what: str) -> NfcError:
    hints = ("an `.nf` file is text in UTF-8",)
    return NfcError([Diagnostic("NF703", f"`{shown}` {what}", None, hints=hints, file=shown)])


def _nearby(path: str) -> tuple[str, ...]:
    """A hint where the name lacks its `.nf`."""
    with_suffix = f"{path}.nf"
    return (f"did you mean `{with_suffix}`?",) if Path(with_suffix).is_file() else ()


# --- using ---


@dataclass(frozen=True)
class _Use:
    """A file on the way from the root to the one at hand."""

    file: ast.File
    path: str


class _Loader:
    """One walk over the files, depth first and without recursion."""

    def __init__(
        self, root: Source, sink: Sink, limits: Limits, storage: Storage, *, allow_outside: bool
    ) -> None:
        self._sink = sink
        self._limits = limits
        self._storage = storage
        self._root = _Use(parse(root, sink, limits), storage.real(root.name))
        self._folder = Folder.of(root.name, allow_outside=allow_outside, storage=storage)
        self._known: dict[str, ast.File | None] = {self._root.path: self._root.file}
        self._links: dict[int, list[ast.File]] = {}

    def load(self) -> Files:
        trail = [self._root]
        pending = [_uses(self._root.file)]
        while trail:
            if not pending[-1]:
                trail.pop()
                pending.pop()
                continue
            found = self._follow(trail, pending[-1].pop())
            if found is not None:
                trail.append(found)
                pending.append(_uses(found.file))
        others = [file for file in self._known.values() if file is not None and file is not self._root.file]
        return Files(
            self._root.file,
            tuple(others),
            DataFiles(self._folder, self._storage),
            {key: tuple(files) for key, files in self._links.items()},
        )

    def _follow(self, trail: list[_Use], use: ast.Use) -> _Use | None:
        """Link a used file to its user; the file itself when it is met for the first time."""
        user = trail[-1].file
        shown = self._storage.beside(user.source.name, use.path)
        path = self._storage.real(shown)
        if not self._may_use(path, use) or self._closes_circle(trail, path, use):
            return None
        is_new = path not in self._known
        if is_new:
            self._known[path] = self._read(path, shown, use)
        file = self._known[path]
        if file is None:
            return None
        links = self._links.setdefault(id(user), [])
        if not any(linked is file for linked in links):
            links.append(file)
        return _Use(file, path) if is_new else None

    def _read(self, path: str, shown: str, use: ast.Use) -> ast.File | None:
        try:
            source = Source(shown, _decode(_read(path, shown, self._limits, self._storage), shown))
        except NfcError as error:
            self._report(error, use)
            return None
        return parse(source, self._sink, self._limits)

    def _report(self, error: NfcError, use: ast.Use) -> None:
        """Report what is wrong with a used file where its path is written."""
        for each in error.diagnostics:
            self._sink.error(each.code, each.message, use.path_span, hints=each.hints)

    def _may_use(self, path: str, use: ast.Use) -> bool:
        if not use.path or "\0" in use.path:
            self._sink.error("NF702", "the path of the used file is empty", use.path_span)
            return False
        try:
            self._folder.check(use.path, path)
        except NfcError as error:
            self._report(error, use)
            return False
        return True

    def _closes_circle(self, trail: list[_Use], path: str, use: ast.Use) -> bool:
        places = [index for index, each in enumerate(trail) if each.path == path]
        if not places:
            return False
        names = [each.file.source.name for each in trail[places[0] :]]
        chain = " → ".join([*names, names[0]])
        message = (
            f"`{names[0]}` uses itself" if len(names) == 1 else f"files use each other in a circle: {chain}"
        )
        labels = [
            Label(statement.path_span, f"`{user.file.source.name}` uses the next one here")
            for user, following in zip(trail[places[0] :], trail[places[0] + 1 :], strict=False)
            for statement in user.file.definitions
            if isinstance(statement, ast.Use) and self._is_at(user.file, statement, following.path)
        ]
        hints = ("what both need can stand in a third file",) if len(names) > 1 else ()
        self._sink.add(Diagnostic("NF706", message, use.path_span, Severity.ERROR, tuple(labels), hints))
        return True

    def _is_at(self, user: ast.File, use: ast.Use, path: str) -> bool:
        return self._storage.real(self._storage.beside(user.source.name, use.path)) == path


def _uses(file: ast.File) -> list[ast.Use]:
    """The `use` statements of a file, last first."""
    return [each for each in reversed(file.definitions) if isinstance(each, ast.Use)]
