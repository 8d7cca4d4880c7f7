"""What has been scored, kept in a file of JSON lines, so that a search that was stopped goes on.

A line is appended whole, and a result is known by its key: a digest of the topology's edges, for wide
ones also at smaller widths, of the effort, and of nfc's version, so that nothing else is ever taken for it.
The version stands beside it, so that a file full of another's results can be told from a new one.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from math import isclose, isfinite
from pathlib import Path
from typing import Any

from nfc.diagnostics import Diagnostic, NfcError, Severity, Sink
from nfc.opening import reason, regular_file, unreadable
from nfc.score.score import combined
from nfc.search.measure import FIRST_LOOK, SCORES, Effort, Scores
from nfc.version import VERSION

_KEY = re.compile(r"[0-9a-f]{64}")
_FORMS = (set(FIRST_LOOK), set(SCORES))
"""The scores that a line holds: of a first look, or all."""
_ROUNDING = 1e-9
"""How far a score may be from the mixture that it is: the last digits of another machine."""
_START = b'{"version": "'
"""How every line begins: a file that ends otherwise is not cut."""


def result_key(digest: str, family: str, effort: Effort) -> str:
    """The key of a topology's scores: of its edges, of its family's, of the effort, and of nfc's version."""
    parts = (VERSION, digest, family, str(effort.targets), str(effort.seed), str(effort.steps))
    return sha256("\n".join(parts).encode()).hexdigest()


@dataclass
class Results:
    """Scores by key, and the file that keeps them; None keeps them in memory alone.

    None in place of scores: the topology costs too much to score.

    Attributes:
        others: how many results the file holds of each other version of nfc; they stay, and are not used.
    """

    path: Path | None = None
    known: dict[str, Scores | None] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

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
        results = cls(path)
        for number, line in enumerate(lines, 1):
            results._take(*_read(line, number, path))
        if not torn.startswith(_START[: len(torn)]):
            raise _foreign(path, f"line {len(lines) + 1} holds something else")
        if torn:
            _cut(path, len(whole))
        return results

    def _take(self, version: str, key: str, scores: Scores | None) -> None:
        if version == VERSION:
            self.known[key] = scores
        else:
            self.others[version] += 1

    def holds(self, key: str, effort: Effort) -> bool:
        """Whether the scores of a key are known, the key being of this effort.

        Raises:
            NfcError: NF756, the numbers are those of another effort.
        """
        scores = self.known.get(key)
        if scores is not None and set(scores) != set(effort.names):
            raise _foreign(self.path or Path(), f"the result `{key}` holds {', '.join(scores)}")
        return key in self.known

    def note_others(self, sink: Sink) -> None:
        """A warning where the file holds results of other versions, which are measured anew."""
        if self.others:
            counts = ", ".join(f"{count} of nfc {name}" for name, count in sorted(self.others.items()))
            message = f"`{self.path}` holds results that are not used: {counts}; this is nfc {VERSION}"
            hint = "a file for each version stays small"
            sink.add(Diagnostic("NF756", message, None, Severity.WARNING, hints=(hint,), file=str(self.path)))

    def add(self, key: str, scores: Scores | None) -> None:
        """Keep scores; they are in the file when this returns.

        Raises:
            NfcError: NF750, the file cannot be written.
        """
        self.known[key] = scores
        if self.path is None:
            return
        line = json.dumps({"version": VERSION, "key": key, "scores": scores}) + "\n"
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


def _read(line: bytes, number: int, path: Path) -> tuple[str, str, Scores | None]:
    """The version, the key and the scores of a line.

    Raises:
        NfcError: NF756, it is no line of results, or its numbers are no scores.
    """
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise _foreign(path, f"line {number} holds something else") from None
    if not (isinstance(record, dict) and set(record) == {"version", "key", "scores"}):
        raise _foreign(path, f"line {number} holds something else")
    version, key, scores = record["version"], record["key"], record["scores"]
    if not (isinstance(version, str) and isinstance(key, str) and _KEY.fullmatch(key)):
        raise _foreign(path, f"line {number} holds no version and key of a result")
    if scores is not None and not _are_scores(scores):
        raise _foreign(path, f"line {number} holds numbers that are no scores")
    return version, key, scores


def _are_scores(found: Any) -> bool:
    """Whether they are the finite numbers that a measurement gives: shares of 1, which R² can fall below.

    The score is the mixture of the two that stand beside it.
    """
    if not (isinstance(found, dict) and set(found) in _FORMS):
        return False
    if not all(isinstance(value, float) and isfinite(value) and value <= 1.0 for value in found.values()):
        return False
    if set(found) == set(FIRST_LOOK):
        return True
    mixed = combined(found["trainability"], found["controllability"])
    return min(found["controllability"], found["stderr"]) >= 0.0 and isclose(
        found["score"], mixed, rel_tol=_ROUNDING, abs_tol=_ROUNDING
    )


def _foreign(path: Path, why: str) -> NfcError:
    message = f"`{path}` is no file of results: {why}"
    hint = "another name can be given; a new file is made"
    return NfcError([Diagnostic("NF756", message, None, hints=(hint,), file=str(path))])


def _cut(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise unreadable(str(path), reason(error)) from None
