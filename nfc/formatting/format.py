"""A source in canonical layout."""

from __future__ import annotations

from nfc.diagnostics import NfcError, Sink
from nfc.formatting.layout import lay_out
from nfc.formatting.pins import moved_comments
from nfc.formatting.printer import print_file
from nfc.formatting.proof import FormattingError, prove
from nfc.limits import Limits
from nfc.source import Source
from nfc.syntax import ast
from nfc.syntax.parser import parse_with_tree

LINE_LENGTH = 110
"""Characters of a line, where no other length is asked for."""


def format_source(source: Source, *, line_length: int = LINE_LENGTH, limits: Limits | None = None) -> str:
    """The text of a source in canonical layout.

    Every result is proven: parsed again, it has the same syntax tree and the same comments, and its own
    layout is itself.

    Args:
        line_length: characters of a line that blocks and expressions pass only where they cannot break.
        limits: bounds on the file; the language's by default.

    Raises:
        NfcError: the text has syntax errors, or a comment that ignores findings of its line would ignore others.
        FormattingError: the proof fails.
    """
    limits = limits or Limits()
    text, file = _formatted(source, line_length, limits)
    if text == source.text:
        return text
    try:
        again, file_again = _formatted(Source(source.name, text), line_length, limits)
    except NfcError as error:
        raise FormattingError(f"the formatted text does not parse: {error}") from None
    prove(file, file_again)
    if again != text:
        raise FormattingError("the formatted text has another layout again")
    moved = tuple(moved_comments(file, file_again))
    if moved:
        raise NfcError(moved)
    return text


def _formatted(source: Source, line_length: int, limits: Limits) -> tuple[str, ast.File]:
    """The text of a source in canonical layout, and its syntax tree. Raises NfcError for syntax errors."""
    sink = Sink()
    tree, file = parse_with_tree(source, sink, limits)
    if sink.failed:
        raise NfcError(sink.diagnostics)
    return lay_out(print_file(tree, source, file.comments, line_length), line_length), file
