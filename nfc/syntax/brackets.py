"""Brackets that do not match: what to report, and how to read the rest as if they did."""

from __future__ import annotations

from dataclasses import dataclass, field

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.source import Source, Span
from nfc.syntax import lines
from nfc.syntax.scan import Mark, Scan

_CLOSER = {"(": ")", "[": "]", "set{": "}", "{": "}"}
_INSERTED = {"(": ")", "[": ")", "set{": ")", "{": "}"}


@dataclass
class Repairs:
    """Changes that make a text's brackets match; every one has been reported.

    Attributes:
        insertions: what is read in front of an offset as if it stood there: `{`, `}` and `;` of blocks, and
            `)` for the closer of any bracket inside a statement.
        blanks: ranges of the text that are read as spaces.
        diagnostics: what was found.
    """

    insertions: dict[int, str] = field(default_factory=dict)
    blanks: list[tuple[int, int]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def apply(self, text: str) -> str:
        """The text with spaces for what is not to be read; offsets stay."""
        pieces, done = [], 0
        for start, end in sorted(self.blanks):
            pieces += [text[done:start], " " * (end - max(start, done))]
            done = max(done, end)
        return "".join(pieces) + text[done:]


@dataclass
class _Open:
    """A bracket that is open; `line_end` is the first end of a statement inside it."""

    mark: Mark
    line_end: int | None = None


def repair(source: Source, scanned: Scan, nesting: int) -> Repairs:
    """Match brackets; where blocks do not, once more with indentation and first words as evidence."""
    plain = _Matching(source, scanned, nesting, by_layout=False)
    plain.run()
    if not plain.unbalanced:
        return plain.repairs
    guided = _Matching(source, scanned, nesting, by_layout=True)
    guided.run()
    return guided.repairs


class _Matching:
    """One pass over the marks of a text.

    Where `by_layout`, a line that starts like a definition, no deeper than the outermost open block,
    ends the blocks before it; a `}` first on its line ends what is indented deeper; a line like
    `network name` opens a block; and superfluous `}` are let go where another was missing.
    """

    def __init__(self, source: Source, scanned: Scan, nesting: int, *, by_layout: bool) -> None:
        self.repairs = Repairs()
        self.unbalanced = False
        self._source = source
        self._text = source.text
        self._scan = scanned
        self._nesting = nesting
        self._by_layout = by_layout
        self._stack: list[_Open] = []
        self._forced = 0
        self._skipped = 0

    def run(self) -> None:
        for start, end in self._scan.stray_openers:
            self._report_stray_opener(start, end)
        for mark in self._scan.marks:
            if mark.offset < self._skipped:
                continue
            if mark.kind in _CLOSER and len(self._stack) >= self._nesting:
                self._skip(mark.offset)
            elif mark.kind in _CLOSER:
                self._stack.append(_Open(mark))
            elif mark.kind in ")]":
                self._close_inline(mark)
            elif mark.kind == "}":
                self._close_brace(mark)
            else:
                self._end_line(mark)
        end = len(self._text)
        self.unbalanced = self.unbalanced or any(opened.mark.kind == "{" for opened in self._stack)
        while self._stack:
            self._never_closed(self._stack.pop(), end)

    # --- marks ---

    def _skip(self, offset: int) -> None:
        """Give up what nests too deep: go on at the next line that starts a definition."""
        self._skipped = lines.next_definition(self._text, offset)
        self.repairs.blanks.append((offset, self._skipped))
        for opened in reversed(self._stack):
            self._insert(self._skipped, _INSERTED[opened.mark.kind])
        self._insert(self._skipped, ";")
        self._stack.clear()
        message = f"brackets and blocks are nested deeper than {self._nesting} levels"
        hints = ("a part can be named with `let`, `topology` or `network`",)
        self.repairs.diagnostics.append(
            Diagnostic("NF701", message, self._at(offset), Severity.ERROR, (), hints)
        )

    def _close_inline(self, mark: Mark) -> None:
        inline = self._inline()
        for index in range(len(inline) - 1, -1, -1):
            if _CLOSER[inline[index].mark.kind] == mark.kind:
                self._pop_unclosed(len(inline) - 1 - index, mark.offset)
                self._stack.pop()
                return
        self.repairs.blanks.append((mark.offset, mark.offset + 1))
        if inline and inline[-1].mark.kind != "set{":
            self._mismatched(self._stack.pop(), mark)
        else:
            self._error(f"`{mark.kind}` closes nothing", mark.offset)

    def _close_brace(self, mark: Mark) -> None:
        inline = self._inline()
        for index in range(len(inline) - 1, -1, -1):
            if inline[index].mark.kind == "set{":
                self._pop_unclosed(len(inline) - 1 - index, mark.offset)
                self._stack.pop()
                return
        self._pop_unclosed(len(inline), mark.offset)
        self._close_deeper(mark)
        if self._stack:
            self._stack.pop()
        else:
            self.repairs.blanks.append((mark.offset, mark.offset + 1))
            self.unbalanced = True
            if self._forced:
                self._forced -= 1
            else:
                self._error("`}` closes nothing", mark.offset)

    def _end_line(self, mark: Mark) -> None:
        inline = self._inline()
        if inline and inline[-1].line_end is None:
            inline[-1].line_end = mark.offset
        if mark.kind == ";":
            return
        if inline and lines.starts_definition(self._text, mark.offset + 1):
            self._pop_unclosed(len(inline), mark.offset)
        if self._stack and self._ends_blocks(mark.offset + 1):
            self.unbalanced = True
            if self._by_layout:
                self._pop_unclosed(len(self._stack), mark.offset)
        if not self._stack:
            self._forced = 0
        if self._by_layout and not self._inline() and lines.lacks_opener(self._text, mark.offset):
            self._insert(mark.offset, "{")
            self._stack.append(_Open(Mark(mark.offset, "{")))
            self._error("expected `{` at the end of this line", lines.last_of_line(self._text, mark.offset))

    # --- evidence ---

    def _ends_blocks(self, start: int) -> bool:
        """Whether a definition starts here, no deeper than the outermost block, whose body is deeper."""
        if not lines.starts_definition(self._text, start):
            return False
        block = self._stack[0].mark.offset
        found, body = (lines.after_space(self._text, offset) for offset in (start, block + 1))
        return self._indent(found) <= self._indent(block) < self._indent(body)

    def _close_deeper(self, mark: Mark) -> None:
        """Close blocks that are indented deeper than this `}`, where a block fits it."""
        if not self._by_layout or not lines.is_first(self._text, mark.offset):
            return
        indent = self._indent(mark.offset)
        depth = next(
            (
                n
                for n, opened in enumerate(reversed(self._stack))
                if self._indent(opened.mark.offset) <= indent
            ),
            0,
        )
        self._forced += depth
        self._pop_unclosed(depth, mark.offset)

    def _indent(self, offset: int) -> int:
        return lines.indent(self._text, offset)

    def _inline(self) -> list[_Open]:
        """The brackets that are open in the statement at hand."""
        blocks = [index for index, opened in enumerate(self._stack) if opened.mark.kind == "{"]
        return self._stack[blocks[-1] + 1 if blocks else 0 :]

    # --- findings ---

    def _pop_unclosed(self, count: int, offset: int) -> None:
        for _ in range(count):
            self._never_closed(self._stack.pop(), offset)

    def _never_closed(self, opened: _Open, offset: int) -> None:
        kind = opened.mark.kind
        place = offset if opened.line_end is None else opened.line_end
        reported = self.repairs.insertions.get(place, "").endswith(")") and kind != "{"
        self._insert(place, _INSERTED[kind])
        if reported or (kind == "{" and opened.mark.offset in self.repairs.insertions):
            return
        self.unbalanced = self.unbalanced or kind == "{"
        hints = (f"a `{_CLOSER[kind]}` is missing",)
        self._error(f"`{kind[-1]}` is never closed", opened.mark.offset, hints=hints)

    def _mismatched(self, opened: _Open, mark: Mark) -> None:
        self._insert(mark.offset, ")")
        wanted = _CLOSER[opened.mark.kind]
        label = Label(self._at(opened.mark.offset), f"`{opened.mark.kind}` opens here")
        self._error(f"expected `{wanted}`, found `{mark.kind}`", mark.offset, labels=(label,))

    def _report_stray_opener(self, start: int, offset: int) -> None:
        self.repairs.blanks.append((start, offset))
        self._error(
            "`{` stands at the start of a line",
            offset,
            hints=("a block opens on the line of the statement that it belongs to",),
        )

    def _error(
        self, message: str, offset: int, *, labels: tuple[Label, ...] = (), hints: tuple[str, ...] = ()
    ) -> None:
        span = self._at(offset)
        self.repairs.diagnostics.append(Diagnostic("NF103", message, span, Severity.ERROR, labels, hints))

    def _at(self, offset: int) -> Span:
        return Span(self._source, offset, offset + 1)

    def _insert(self, offset: int, character: str) -> None:
        self.repairs.insertions[offset] = self.repairs.insertions.get(offset, "") + character
