"""Diagnostics as annotations of GitHub Actions.

Commands are `::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::message`; see
https://docs.github.com/actions/reference/workflow-commands-for-github-actions. A command ends with
its line, so text of a spec is made visible and then escaped: it can start no other one.
"""

from __future__ import annotations

from nfc.diagnostics import Diagnostic
from nfc.render.document import Base, Document, Fault, file_of
from nfc.render.visible import shortened, visible


def render_github(document: Document, base: Base) -> str:
    """One line a diagnostic that counts, then one a fault of nfc; empty where there is none."""
    lines = [_annotation(each, base) for each in document.diagnostics]
    return "\n".join([*lines, *(_fault(each, base) for each in document.faults)])


def _annotation(diagnostic: Diagnostic, base: Base) -> str:
    file, span = file_of(diagnostic), diagnostic.span
    properties: dict[str, object] = {} if file is None else {"file": base.path(file)}
    if span is not None:
        properties["line"] = span.line
        if span.line == span.end_line:  # columns are of one line
            properties |= {"col": span.column, "endLine": span.end_line, "endColumn": span.end_column}
        else:
            properties["endLine"] = span.end_line
    properties["title"] = f"nfc {diagnostic.code}"
    labels = (
        f"{base.path(label.span.source.name)}:{label.span.line}:{label.span.column}: {label.text}"
        for label in diagnostic.labels
    )
    hints = (f"hint: {hint}" for hint in diagnostic.hints)
    return _command(diagnostic.severity.value, properties, (diagnostic.message, *labels, *hints))


def _fault(fault: Fault, base: Base) -> str:
    return _command("error", {"file": base.path(fault.file), "title": "nfc"}, (fault.text,))


def _command(name: str, properties: dict[str, object], lines: tuple[str, ...]) -> str:
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = "%0A".join(_data(shortened(line)) for line in lines)
    return f"::{name} {written}::{message}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
