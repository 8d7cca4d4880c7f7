"""Checks as a JUnit report: a suite for each file and network, a case for each assertion.

The layout is the one that Jenkins, GitLab, Azure Pipelines and CircleCI read. Times are left out:
reports of the same files are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from nfc.diagnostics import Diagnostic, Severity
from nfc.render.document import Base, Case, Document, Fault, file_of
from nfc.render.text import render_diagnostic
from nfc.render.visible import harmless, shortened, visible

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def render_junit(document: Document, base: Base) -> str:
    """A document in ASCII; other characters are references, control characters are made visible.

    An assertion that fails is a `failure`, one without a value an `error`, an ignored one `skipped`.
    Errors that are about no assertion are `error`s of cases in their file's suite, warnings stand in
    its `system-err`.
    """
    root = Element("testsuites", name=f"nfc {document.verb}")
    cases = _by_suite(document.cases)
    for (file, network), group in cases.items():
        _suite(root, f"{base.path(file)} {network}", [_case(each, base) for each in group])
    reported = {id(case.diagnostic) for case in document.cases}
    others = [each for each in document.diagnostics if id(each) not in reported]
    for name in _files(document, others, {file for file, _ in cases}):
        about = [each for each in others if file_of(each) == name]
        faults = [each for each in document.faults if each.file == name]
        _suite(
            root,
            base.path(name) if name else f"nfc {document.verb}",
            list(_others(about, faults, base)),
            _warnings(about, base),
        )
    for kind in ("tests", "failures", "errors"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    indent(root)
    return f"{DECLARATION}\n{tostring(root, 'us-ascii').decode()}"


def _by_suite(cases: tuple[Case, ...]) -> dict[tuple[str, str], list[Case]]:
    found: dict[tuple[str, str], list[Case]] = {}
    for key, group in groupby(cases, key=lambda case: (case.file, case.network)):
        found.setdefault(key, []).extend(group)
    return found


def _files(document: Document, others: list[Diagnostic], asserted: set[str]) -> list[str | None]:
    """The files that have a suite of their own: those with other findings, or where nothing is asserted."""
    about = {file_of(each) for each in others} | {each.file for each in document.faults}
    quiet = [file for file in document.files if file in about or file not in asserted]
    return [*quiet, *sorted(about - set(quiet), key=lambda file: file or "")]


def _suite(root: Element, name: str, cases: list[Element], warnings: str = "") -> None:
    suite = SubElement(root, "testsuite", name=_text(name), tests=str(len(cases)))
    kinds = Counter(child.tag for case in cases for child in case)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(kinds[tag]))
    _number_repeated(cases)
    suite.extend(cases)
    if warnings:
        SubElement(suite, "system-err").text = warnings


def _number_repeated(cases: list[Element]) -> None:
    """Give cases of one name a number: servers keep one case a name."""
    seen: Counter[str] = Counter()
    for case in cases:
        name = case.get("name", "")
        seen[name] += 1
        if seen[name] > 1:
            case.set("name", f"{name} ({seen[name]})")


def _case(case: Case, base: Base) -> Element:
    element = Element("testcase", name=_text(case.title), classname=_class(case.file, case.network, base))
    told = "; ".join((f"measured {case.measured}", *case.notes))
    if case.ignored:
        SubElement(element, "skipped", message=_text(f"fails, and is ignored: {told}"))
    elif not case.ok:
        is_failure = case.diagnostic is None or case.diagnostic.code == "NF501"
        code = case.diagnostic.code if case.diagnostic else "NF501"
        message = case.diagnostic.message if case.diagnostic else told
        problem = SubElement(element, "failure" if is_failure else "error", type=code, message=_text(message))
        problem.text = _whole(case.diagnostic, base) if case.diagnostic else None
    else:
        SubElement(element, "system-out").text = _text(told)
    return element


def _warnings(diagnostics: list[Diagnostic], base: Base) -> str:
    warnings = (each for each in diagnostics if each.severity is Severity.WARNING)
    return "\n".join(_whole(each, base) for each in warnings)


def _others(diagnostics: list[Diagnostic], faults: list[Fault], base: Base) -> Iterator[Element]:
    """Cases of errors that are about no assertion; a passing one where there are none."""
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    for error in errors:
        place = f" at {error.span.line}:{error.span.column}" if error.span else ""
        element = Element("testcase", name=f"{error.code}{place}", classname="nfc")
        SubElement(element, "error", type=error.code, message=_text(error.message)).text = _whole(error, base)
        yield element
    for fault in faults:
        element = Element("testcase", name="nfc", classname="nfc")
        SubElement(element, "error", type="fault", message=_text(fault.text))
        yield element
    if not errors and not faults:
        yield Element("testcase", name="is well", classname="nfc")


def _class(file: str, network: str, base: Base) -> str:
    """Servers group by what stands before the last point."""
    stem = base.path(file).removesuffix(".nf").strip("./")
    return _text(f"{stem.replace('.', '_').replace('/', '.')}.{network}")


def _whole(diagnostic: Diagnostic, base: Base) -> str:
    """What the terminal shows, with paths from the base."""
    spans = [diagnostic.span] if diagnostic.span else []
    shown = render_diagnostic(diagnostic)
    for name in {span.source.name for span in (*spans, *(label.span for label in diagnostic.labels))}:
        shown = shown.replace(f" {_text(name)}:", f" {_text(base.path(name))}:")
    return f"\n{harmless(shown)}"


def _text(text: str) -> str:
    return visible(shortened(text))
