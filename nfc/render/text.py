"""Diagnostics as text, with the source line and carets under the span, in the style of rustc and Ruff."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nfc.diagnostics import Diagnostic, Severity
from nfc.render.style import PLAIN, Style
from nfc.render.visible import cells, clip, shortened, visible
from nfc.source import Source, Span

WIDTH = 120
"""Cells of a line of source where the terminal does not say otherwise."""

CONTEXT = 20
"""Cells of source kept before a span when a long line is clipped."""

ELLIPSIS = "…"


def render_text(diagnostics: Iterable[Diagnostic], style: Style = PLAIN, columns: int = WIDTH) -> str:
    """Every diagnostic in full, one blank line between two; ends with a newline unless there are none."""
    return "\n".join(render_diagnostic(diagnostic, style, columns) for diagnostic in diagnostics)


def render_diagnostic(diagnostic: Diagnostic, style: Style = PLAIN, columns: int = WIDTH) -> str:
    """One diagnostic: its headline, an excerpt of each source it points into, its hints."""
    excerpts = _excerpts(diagnostic)
    gutter = max((len(str(mark.span.end_line)) for marks in excerpts for mark in marks), default=1)
    page = _Page(style, gutter, columns)
    page.headline(diagnostic)
    for number, marks in enumerate(excerpts):
        page.excerpt(marks, first=number == 0)
    if excerpts and diagnostic.hints:
        page.bar()
    for hint in diagnostic.hints:
        page.note("hint", hint)
    return "".join(f"{line.rstrip()}\n" for line in page.lines)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A span to be underlined, with `role` of the style sheet and the text beside its carets."""

    span: Span
    role: str
    caret: str
    text: str


def _excerpts(diagnostic: Diagnostic) -> list[list[_Mark]]:
    """The marks by source, the primary one's source first, each in order of lines."""
    span = diagnostic.span
    marks = [] if span is None else [_Mark(span, diagnostic.severity.value, "^", "")]
    marks += [_Mark(label.span, "secondary", "-", label.text) for label in diagnostic.labels]
    by_source: dict[int, list[_Mark]] = {}
    for mark in marks:
        by_source.setdefault(id(mark.span.source), []).append(mark)
    return list(by_source.values())


class _Page:
    """The lines of one diagnostic as they are laid out."""

    def __init__(self, style: Style, gutter: int, columns: int) -> None:
        self.lines: list[str] = []
        self.style = style
        self.gutter = gutter
        self.room = max(columns - gutter - 3, 2 * CONTEXT)

    def headline(self, diagnostic: Diagnostic) -> None:
        severity = diagnostic.severity
        name = self.style.paint(severity.value, f"{severity.value}[{diagnostic.code}]")
        self.lines.append(name + self.style.paint("message", f": {visible(shortened(diagnostic.message))}"))

    def excerpt(self, marks: list[_Mark], *, first: bool) -> None:
        """The lines of one source that have marks, with `...` where lines are left out."""
        lead = marks[0].span
        arrow = "-->" if first else ":::"
        place = f"{visible(shortened(lead.source.name))}:{lead.line}:{lead.column}"
        self.lines.append(" " * self.gutter + self.style.paint("gutter", arrow) + f" {place}")
        self.bar()
        last = 0
        for number, on_line in sorted(_by_line(marks).items()):
            if last and number > last + 1:
                self.lines.append(self.style.paint("gutter", "..."))
            self._source_line(lead.source, number, on_line)
            last = number

    def bar(self) -> None:
        self.lines.append(self._gutter(""))

    def note(self, kind: str, text: str) -> None:
        indent = " " * (self.gutter + 1)
        label = self.style.paint("gutter", "=") + f" {self.style.paint('message', f'{kind}:')} "
        self.lines.append(indent + label + visible(shortened(text)))

    def _gutter(self, number: str) -> str:
        return self.style.paint("gutter", f"{number:>{self.gutter}} |")

    def _source_line(self, source: Source, number: int, marks: list[_Mark]) -> None:
        shown, starts = cells(source.line(number))
        extents = [_extent(mark.span, number, starts) for mark in marks]
        left, right = _window(extents, starts[-1], self.room)
        text = clip(shown, left, right)
        before, after = ELLIPSIS if left else "", ELLIPSIS if right < starts[-1] else ""
        self.lines.append(f"{self._gutter(str(number))} {before}{text}{after}")
        for mark, (start, end) in zip(marks, extents, strict=True):
            if start > right or (start < left and end <= left):
                continue
            start, end = max(start, left), max(min(end, right), start + 1)
            carets = self.style.paint(
                mark.role, f"{mark.caret * (end - start)} {visible(shortened(mark.text))}".rstrip()
            )
            self.lines.append(f"{self._gutter('')} {' ' * (len(before) + start - left)}{carets}")


def _by_line(marks: list[_Mark]) -> dict[int, list[_Mark]]:
    """The marks on each line shown: a span of several lines marks its first and its last one."""
    lines: dict[int, list[_Mark]] = {}
    for mark in marks:
        first, last = mark.span.line, _last_line(mark.span)
        lines.setdefault(first, []).append(mark if first == last else replace(mark, text=""))
        if last != first:
            lines.setdefault(last, []).append(mark)
    return lines


def _last_line(span: Span) -> int:
    """The line of the span's last character; its newline belongs to the line that it ends."""
    return span.source.position(max(span.end - 1, span.start))[0]


def _extent(span: Span, line: int, starts: tuple[int, ...]) -> tuple[int, int]:
    """The cells of a line that a span covers; at least one, which may lie after the text."""
    offset = span.source.line_starts[line - 1]
    text = span.source.text
    if line == span.line:
        first = span.start - offset
    else:
        first = next((n for n in range(len(starts) - 1) if not text[offset + n].isspace()), 0)
    last = min(span.end - offset, len(starts) - 1)
    start = starts[min(first, len(starts) - 1)]
    return start, max(starts[max(last, 0)], start + 1)


def _window(extents: list[tuple[int, int]], length: int, room: int) -> tuple[int, int]:
    """The cells to show of a line: all where they fit, else a window around the first mark."""
    if length <= room:
        return 0, length
    kept = room - 2 * len(ELLIPSIS)
    left = max(0, min(extents[0][0] - CONTEXT, length - kept))
    return left, left + kept


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings, as `2 errors, 1 warning`; empty without any."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(severities.count(severity), severity.value) for severity in Severity]
    return ", ".join(f"{count} {name}{'s' * (count > 1)}" for count, name in counts if count)
