"""Diagnostics as SARIF 2.1.0, the Static Analysis Results Interchange Format of OASIS.

See https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Columns count characters, as
everywhere in nfc. Paths are relative to `%SRCROOT%`, the root of the repository.
"""

from __future__ import annotations

import os
from collections import Counter
from hashlib import sha256
from urllib.parse import quote

from nfc.codes import codes, page, title
from nfc.diagnostics import Diagnostic, Label
from nfc.render.document import Base, Document, Fault, file_of
from nfc.render.json import write_json
from nfc.render.visible import shortened, visible
from nfc.source import Span
from nfc.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "nfcFinding/v1"

Record = dict[str, object]


def render_sarif(document: Document, base: Base) -> str:
    """A log with one run. Diagnostics that are ignored are results with a suppression."""
    found = (*document.diagnostics, *(each.diagnostic for each in document.ignored))
    rules = sorted({diagnostic.code for diagnostic in found})
    fingerprints = _fingerprints(found, base)
    results = [
        _result(diagnostic, rules.index(diagnostic.code), fingerprint, base)
        for diagnostic, fingerprint in zip(found, fingerprints, strict=True)
    ]
    for result, ignored in zip(results[len(document.diagnostics) :], document.ignored, strict=True):
        result["suppressions"] = [{"kind": "inSource" if ignored.in_source else "external"}]
    invocation: Record = {"executionSuccessful": not document.faults}
    if document.faults:
        invocation["toolExecutionNotifications"] = [_notification(fault, base) for fault in document.faults]
    driver = {"name": "nfc", "semanticVersion": VERSION, "rules": [_rule(code) for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": results,
    }
    return write_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> Record:
    """A code as a rule; its help is its page."""
    if code not in codes():
        return {"id": code}
    text = page(code)
    paragraph = text.split("\n\n")[1].replace("\n", " ")
    return {
        "id": code,
        "shortDescription": {"text": title(code)},
        "fullDescription": {"text": paragraph},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": "warning" if paragraph.startswith("A warning") else "error"},
    }


def _result(diagnostic: Diagnostic, rule: int, fingerprint: str, base: Base) -> Record:
    hints = (f"hint: {hint}" for hint in diagnostic.hints)
    result: Record = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": _message("\n".join((diagnostic.message, *hints))),
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    file = file_of(diagnostic)
    if file is not None:
        result["locations"] = [{"physicalLocation": _place(file, diagnostic.span, base)}]
    if diagnostic.labels:
        result["relatedLocations"] = [
            _related(number, label, base) for number, label in enumerate(diagnostic.labels, 1)
        ]
    return result


def _related(number: int, label: Label, base: Base) -> Record:
    place = _place(label.span.source.name, label.span, base)
    return {"id": number, "message": _message(label.text), "physicalLocation": place}


def _place(file: str, span: Span | None, base: Base) -> Record:
    uri = quote(_bytes(base.path(file)), safe="/")
    place: Record = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    if span is not None:
        place["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return place


def _bytes(path: str) -> bytes:
    """A path as the system has it; of a text that is no path of the system, something of its own."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")


def _message(text: str) -> Record:
    """Plain text; `[…](…)` in it would be a link (section 3.11.6)."""
    shown = "\n".join(visible(shortened(line)) for line in text.split("\n"))
    return {"text": shown.replace("](", "\\](")}


def _notification(fault: Fault, base: Base) -> Record:
    location = {"physicalLocation": _place(fault.file, None, base)}
    return {"level": "error", "message": _message(fault.text), "locations": [location]}


def _fingerprints(diagnostics: tuple[Diagnostic, ...], base: Base) -> list[str]:
    """What tells a finding in the next run: its code, file and text, not its line or measured values.

    Findings that agree in these are numbered in their order.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for diagnostic in diagnostics:
        key = (diagnostic.code, base.path(file_of(diagnostic) or "."), _identity(diagnostic))
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        found.append(sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return found


def _identity(diagnostic: Diagnostic) -> str:
    """The text that a diagnostic is about, however it is spaced; of an empty span that of its line."""
    span = diagnostic.span
    if span is None:
        return diagnostic.message
    return " ".join(span.text.split()) or span.source.line(span.line).strip()
