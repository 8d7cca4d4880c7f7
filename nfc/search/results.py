"""What has been scored, kept in a file of JSON lines, so that a search that was stopped goes on.

A line is appended whole, and a result is known by its key: a digest of the topology's edges, for wide
ones also at smaller widths, of the effort, and of nfc's version, so that nothing else is ever taken for it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from nfc.diagnostics import Diagnostic, NfcError
from nfc.opening import reason, regular_file, unreadable
from nfc.search.measure import Effort, Scores
from nfc.version import VERSION

_START = b'{"key": "'
"""How every line begins: a file that ends otherwise is not cut."""


def result_key(digest: str, family: str, effort: Effort) -> str:
    """The key of a topology's scores: of its edges, of its family's, of the effort, and of nfc's version."""
    parts = (VERSION, digest, family, str(effort.targets), str(effort.seed), str(effort.steps))
    return sha256("\n".join(parts).encode()).hexdigest()


@dataclass
class Results:
    """Scores by key, and the file that keeps them; None keeps them in memory alone.

    None in place of scores: the topology costs too much to score.
    """

    path: Path | None = None
    known: dict[str, Scores | None] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path | None) -> Results:
        """The results in a file; none where there is no such file yet. A last line without its end is dropped.

        Raises:
            NfcError: NF702, the file cannot be read; NF756, it holds something else.
        """
        if path is None or not path.exists():
            return cls(path)
        with regular_file(str(path), str(path), lambda _: ()) as file:
            data = file.read()
        whole, torn = data[: data.rfind(b"\n") + 1], data[data.rfind(b"\n") + 1 :]
        lines = whole.splitlines()
        known = dict(_read(line, number, path) for number, line in enumerate(lines, 1))
        if not torn.startswith(_START[: len(torn)]):
            raise _foreign(path, len(lines) + 1)
        if torn:
            _cut(path, len(whole))
        return cls(path, known)

    def add(self, key: str, scores: Scores | None) -> None:
        """Keep scores; they are in the file when this returns.

        Raises:
            NfcError: NF750, the file cannot be written.
        """
        self.known[key] = scores
        if self.path is None:
            return
        line = json.dumps({"key": key, "scores": scores}) + "\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            message = f"cannot write `{self.path}`: {reason(error)}"
            raise NfcError([Diagnostic("NF750", message, None)]) from None


def _read(line: bytes, number: int, path: Path) -> tuple[str, Scores | None]:
    try:
        record: Any = json.loads(line)
        key, scores = record["key"], record["scores"]
        known = None if scores is None else {str(name): float(value) for name, value in scores.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _foreign(path, number) from None
    return str(key), known


def _foreign(path: Path, number: int) -> NfcError:
    message = f"`{path}` is no file of results: line {number} holds something else"
    hint = "another name can be given; a new file is made"
    return NfcError([Diagnostic("NF756", message, None, hints=(hint,), file=str(path))])


def _cut(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise unreadable(str(path), reason(error)) from None
