"""From a document to its text: which groups break, what is indented how far, where comments go."""

from __future__ import annotations

from nfc.formatting.documents import (
    BlankLine,
    Comment,
    Concat,
    Document,
    Group,
    IfBroken,
    Line,
    Nest,
    OneLine,
    Text,
)

INDENT = 4
BEFORE_COMMENT = "  "

_Item = tuple[int, bool, Document]
"""A document to lay out: how far its lines are indented, whether its group breaks, and itself."""


def lay_out(document: Document, line_length: int) -> str:
    """The text of a document, its lines at most `line_length` long where the document lets them be.

    The text ends with a newline unless it is empty.
    """
    return _Layout(line_length).run(document)


class _Layout:
    """One pass over a document; what is left of it is a stack, so that no depth can break it."""

    def __init__(self, line_length: int) -> None:
        self._line_length = line_length
        self._stack: list[_Item] = []
        self._lines: list[str] = []
        self._line: list[str] = []
        self._indent = 0
        self._column = 0
        self._trailing = ""
        self._ends = False

    def run(self, document: Document) -> str:
        self._stack.append((0, True, document))
        while self._stack:
            self._step(*self._stack.pop())
        self._newline(0)
        return "".join(f"{line}\n" for line in self._lines)

    def _step(self, indent: int, breaks: bool, document: Document) -> None:
        match document:
            case Text():
                self._text(document.text, indent, document.glued)
            case Concat():
                self._stack.extend((indent, breaks, part) for part in reversed(document.parts))
            case Nest():
                self._stack.append((indent + INDENT, breaks, document.body))
            case Group():
                broken = breaks and (document.broken or not self._fits(document, indent))
                self._stack.append((indent, broken, document.body))
            case OneLine():
                self._stack.append((indent, False, document.body))
            case Line():
                self._break(document, indent, breaks)
            case IfBroken():
                if breaks:
                    self._text(document.text, indent, glued=True)
            case Comment():
                self._comment(document, indent)
            case BlankLine():
                self._blank_line(indent)

    def _text(self, text: str, indent: int, glued: bool) -> None:
        if self._ends and not glued:
            text = text.lstrip(" ")
            if not text:
                return
            self._newline(self._indent_behind_comment(indent))
        self._line.append(text)
        self._column += len(text)

    def _break(self, line: Line, indent: int, breaks: bool) -> None:
        if breaks or self._ends:
            self._newline(indent)
        else:
            self._text(line.flat, indent, glued=False)

    def _comment(self, comment: Comment, indent: int) -> None:
        if not comment.own_line:
            self._trailing, self._ends = comment.text, True
            return
        if self._line:
            self._newline(self._indent_behind_comment(indent))
        if comment.blank:
            self._blank_line(indent)
        self._line.append(comment.text)
        self._ends = True

    def _blank_line(self, indent: int) -> None:
        if self._line:
            self._newline(self._indent_behind_comment(indent))
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _indent_behind_comment(self, indent: int) -> int:
        """Where a line starts that no document asks for: below a comment that has its own line."""
        return self._indent if self._ends and not self._trailing else indent

    def _newline(self, indent: int) -> None:
        """End the line, if there is one, and begin another."""
        if self._line:
            line = " " * self._indent + "".join(self._line).rstrip(" ")
            self._lines.append(f"{line}{BEFORE_COMMENT}{self._trailing}" if self._trailing else line)
            self._line.clear()
        self._trailing, self._ends = "", False
        self._indent = self._column = indent

    def _fits(self, group: Group, indent: int) -> bool:
        """Whether a group stands on one line with what follows it up to the next place for a newline."""
        start = self._indent_behind_comment(indent) if self._ends else self._column
        room = self._line_length - start - group.width
        return room >= 0 and self._rest_fits(room)

    def _rest_fits(self, room: int) -> bool:
        for _, _, document in reversed(self._stack):
            ahead = [document]
            while ahead:
                match ahead.pop():
                    case Concat(parts=parts):
                        ahead.extend(reversed(parts))
                    case Nest(body=body) | Group(body=body) | OneLine(body=body):
                        ahead.append(body)
                    case Text(text=text) | IfBroken(text=text):
                        room -= len(text)
                        if room < 0:
                            return False
                    case _:
                        return True
        return True
