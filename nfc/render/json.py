"""Diagnostics and results as JSON documents, `"version": 1`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from nfc.diagnostics import Diagnostic

VERSION = 1
INTEGER_BITS = 4096

Record = dict[str, object]


def render_json(fields: Mapping[str, object]) -> str:
    """A document: its version, then the fields.

    Numbers that readers fail on become null: inf, nan, and integers past the language's 4096 bits.
    """
    return write_json(_readable({"version": VERSION, **fields}))


def write_json(value: object) -> str:
    """A value in ASCII, so written that a CI service finds no command to itself in a log that holds it."""
    text = json.dumps(value, indent=2, allow_nan=False)
    return text.replace("##", "#\\u0023") if "##" in text else text


def diagnostic_records(diagnostics: Iterable[Diagnostic]) -> list[Record]:
    return [diagnostic_record(diagnostic) for diagnostic in diagnostics]


def diagnostic_record(diagnostic: Diagnostic) -> Record:
    """A diagnostic with its place: lines and columns from 1, the end exclusive, null without a place."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": span.source.name if span else diagnostic.file,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "hints": list(diagnostic.hints),
    }


def _readable(value: object) -> object:
    match value:
        case float():
            return value if abs(value) < float("inf") else None
        case int():
            return value if value.bit_length() <= INTEGER_BITS else None
        case dict():
            return {key: _readable(item) for key, item in value.items()}
        case list() | tuple():
            return [_readable(item) for item in value]
        case _:
            return value
