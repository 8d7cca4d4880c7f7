"""Finding and reading `[tool.nfc]`: every key that is unknown and every wrong value is a diagnostic at its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from nfc.codes import codes
from nfc.diagnostics import Diagnostic, NfcError, did_you_mean
from nfc.limits import Limits, read_count
from nfc.opening import regular_file, unreadable
from nfc.settings.model import COLORS, FORMATS, Settings, Value
from nfc.settings.places import Path, Places, places
from nfc.source import Source, Span

FILE = "pyproject.toml"
TABLE: Path = ("tool", "nfc")
LARGEST = 16_000_000
"""Bytes of a file that is read."""

ROOT_MARKS = (".git", ".hg")
"""What lies in a repository's root, above which no settings are looked for."""


def find_settings(folder: str) -> Settings:
    """The settings of the nearest `pyproject.toml` with `[tool.nfc]`, in a folder or above it; else none.

    Raises:
        NfcError: such a file is wrong.
    """
    folder = os.path.abspath(folder)  # noqa: PTH100
    while True:
        path = os.path.join(folder, FILE)  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            found = _read(os.path.relpath(path))
            if found is not None:
                return found
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder or any(os.path.exists(os.path.join(folder, mark)) for mark in ROOT_MARKS):  # noqa: PTH110, PTH118
            return Settings()
        folder = above


def read_settings(path: str) -> Settings:
    """The settings of a file of the form of `pyproject.toml`.

    Raises:
        NfcError: it cannot be read or is wrong.
    """
    return _read(path) or Settings(folder=os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH120


def _read(path: str) -> Settings | None:
    """The settings of a file; None where it has no `[tool.nfc]`."""
    source = _source(path)
    tools = _parsed(source).get("tool")
    if not isinstance(tools, dict) or "nfc" not in tools:
        return None
    reader = _Reader(source)
    settings = reader.settings(tools["nfc"])
    if reader.diagnostics:
        raise NfcError(reader.diagnostics)
    return settings


def _source(path: str) -> Source:
    with regular_file(path, path, lambda missing: ()) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise unreadable(path, f"it is larger than {LARGEST} bytes")
    try:
        return Source(path, data.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise unreadable(path, f"it is not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from None


def _parsed(source: Source) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        message, span = _told(str(error), source)
    except RecursionError:
        message, span = "it is nested too deeply", None
    except ValueError as error:  # numbers and dates that Python refuses
        message, span = str(error), None
    raise NfcError([Diagnostic("NF760", f"`{source.name}` is no TOML: {message}", span, file=source.name)])


def _told(message: str, source: Source) -> tuple[str, Span]:
    """The reader's message without its place, and the place."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    end = len(source.text)
    if found is None:
        return message.removesuffix(" (at end of document)").lower(), Span(source, end, end)
    offset = min(source.line_starts[int(found[1]) - 1] + int(found[2]) - 1, end)
    text = message[: found.start()]
    return text[:1].lower() + text[1:], Span(source, offset, min(offset + 1, end))


class _Reader:
    """Reads a table; what is wrong is collected."""

    def __init__(self, source: Source) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._source = source
        self._places: Places = places(source)

    def settings(self, table: object) -> Settings | None:
        readers: dict[str, Callable[[Path, object], object]] = {
            "include": self._patterns,
            "exclude": self._patterns,
            "format": lambda path, value: self._one_of(path, value, FORMATS),
            "color": lambda path, value: self._one_of(path, value, COLORS),
            "define": self._define,
            "limits": self._limits,
            "lock": self._patterns,
            "ignore": self._codes,
            "per-file-ignores": self._per_file_ignores,
        }
        given = self._table(TABLE, table, readers)
        fields = {
            key.replace("-", "_"): readers[key]((*TABLE, key), value)
            for key, value in given.items()
            if key in readers
        }
        if self.diagnostics:
            return None
        return Settings(folder=os.path.dirname(os.path.abspath(self._source.name)), **fields)  # type: ignore[arg-type]  # noqa: PTH100, PTH120

    def _table(self, path: Path, value: object, known: Iterable[str] | None) -> dict[str, object]:
        """A table, its unknown keys reported; empty where the value is none."""
        if not isinstance(value, dict):
            self._wrong(path, "a table", value)
            return {}
        for key in value:
            if known is not None and key not in known:
                hints = did_you_mean(key, known) or (f"the keys are {', '.join(f'`{k}`' for k in known)}",)
                message = f"`{_dotted(path)}` has no key `{key}`"
                self._report("NF761", message, self._places.key((*path, key)), hints)
        return value

    def _one_of(self, path: Path, value: object, choices: tuple[str, ...]) -> str | None:
        if isinstance(value, str) and value in choices:
            return value
        listed = f"one of {', '.join(choices)}"
        self._wrong(path, listed, value, did_you_mean(value, choices) if isinstance(value, str) else ())
        return None

    def _patterns(self, path: Path, value: object) -> tuple[str, ...]:
        return tuple(each for _, each in self._texts(path, value, "a list of patterns"))

    def _texts(self, path: Path, value: object, expected: str) -> list[tuple[Path, str]]:
        """The items of a list of texts, with their paths."""
        if not isinstance(value, list):
            self._wrong(path, expected, value)
            return []
        found = []
        for number, item in enumerate(value):
            if isinstance(item, str) and item:
                found.append(((*path, number), item))
            else:
                self._wrong((*path, number), "a text", item)
        return found

    def _codes(self, path: Path, value: object) -> frozenset[str]:
        texts = self._texts(path, value, "a list of codes")
        for place, code in texts:
            if code not in codes():
                hints = did_you_mean(code.upper(), codes()) or ("`nfc explain` lists the codes",)
                self._report("NF762", f"there is no code `{code}`", self._places.value(place), hints)
        return frozenset(code for _, code in texts)

    def _per_file_ignores(self, path: Path, value: object) -> tuple[tuple[str, frozenset[str]], ...]:
        table = self._table(path, value, None)
        return tuple((pattern, self._codes((*path, pattern), each)) for pattern, each in table.items())

    def _define(self, path: Path, value: object) -> dict[str, Value]:
        table = self._table(path, value, None)
        for name, given in table.items():
            if not name.isidentifier():
                message = f"`{name}` is no name of a parameter"
                self._report("NF762", message, self._places.key((*path, name)), ())
            elif not _is_value(given):
                self._wrong((*path, name), "a number, a text, true, false or a list", given)
        return table  # type: ignore[return-value]

    def _limits(self, path: Path, value: object) -> dict[str, int | float]:
        known = [name.replace("_", "-") for name in Limits.__dataclass_fields__]
        found: dict[str, int | float] = {}
        for key, given in self._table(path, value, known).items():
            limit = _limit(key, given)
            if limit is not None:
                found[key.replace("-", "_")] = limit
            elif key in known:
                self._wrong((*path, key), "a positive number such as 4096 or the text `64k`", given)
        return found

    def _wrong(self, path: Path, expected: str, value: object, hints: tuple[str, ...] = ()) -> None:
        message = f"`{_dotted(path)}` is {expected}, found {_kind(value)}"
        self._report("NF762", message, self._places.value(path), hints)

    def _report(self, code: str, message: str, span: Span | None, hints: tuple[str, ...]) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, hints=hints, file=self._source.name))


def _is_value(value: object) -> bool:
    """Whether a value of TOML is one of the language; tables and dates are not."""
    if isinstance(value, list):
        return all(map(_is_value, value))
    return isinstance(value, int | str) or (isinstance(value, float) and isfinite(value))


def _limit(key: str, value: object) -> int | float | None:
    """A limit; None where the value is none."""
    if isinstance(value, bool):
        return None
    if key == "seconds":
        return value if isinstance(value, int | float) and isfinite(value) and value > 0 else None
    if isinstance(value, str):
        return read_count(value)
    return value if isinstance(value, int) and value > 0 else None


def _dotted(path: Path) -> str:
    """A path as people write it: `tool.nfc.ignore[2]`, items counted from 1."""
    shown = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return shown.removeprefix(".")


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value}"
        case str():
            return f'"{value}"'
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"
