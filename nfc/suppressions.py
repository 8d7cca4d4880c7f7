"""Comments that keep findings back: `# nfc: ignore[NF412]` at a line's end, `# nfc: ignore-file[NF412]`.

Warnings and what is wrong with checks (NF5xx) can be kept back. Other errors cannot: without them the
file has no meaning. Comments name codes; one that keeps back everything is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from nfc.codes import codes
from nfc.diagnostics import Diagnostic, Severity, did_you_mean
from nfc.source import Source, Span

IGNORE, IGNORE_FILE = "ignore", "ignore-file"
MALFORMED, UNUSED = "NF112", "NF113"

_COMMENT = re.compile(
    r"#\s*nfc\b\s*(?P<colon>:?)\s*(?P<word>[A-Za-z_-]+)\s*(?:\[(?P<codes>[^\]\n]*)(?P<end>\]?))?"
)
_CODE = re.compile(r"[^\s,]+")
_EXAMPLE = "codes stand in brackets, as in `# nfc: ignore[NF412]`"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A code that a comment keeps back.

    Attributes:
        span: the code in the comment.
        line: the line on which diagnostics start that it is about; None for the whole file.
    """

    code: str
    span: Span
    line: int | None

    def names(self, diagnostic: Diagnostic) -> bool:
        """Whether code and place are those of a diagnostic of its source."""
        if diagnostic.code != self.code:
            return False
        return self.line is None or (diagnostic.span is not None and diagnostic.span.line == self.line)


@dataclass(frozen=True, slots=True)
class Comments:
    """The suppressions of a source, and what is wrong with its comments."""

    suppressions: tuple[Suppression, ...]
    malformed: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Sifted:
    """Diagnostics by whether a comment keeps them back.

    Attributes:
        used: the suppressions that keep something back.
    """

    kept: tuple[Diagnostic, ...]
    ignored: tuple[Diagnostic, ...]
    used: frozenset[Suppression]


def is_ignorable(diagnostic: Diagnostic) -> bool:
    """Whether a network has its meaning in spite of a diagnostic."""
    return diagnostic.severity is Severity.WARNING or diagnostic.code.startswith("NF5")


def sift(diagnostics: Iterable[Diagnostic]) -> Sifted:
    """Apply to each diagnostic the comments of the source that it starts in."""
    kept: list[Diagnostic] = []
    ignored: list[Diagnostic] = []
    used: set[Suppression] = set()
    known: dict[Source, _Index] = {}
    for diagnostic in diagnostics:
        covering: list[Suppression] = []
        if diagnostic.span is not None and is_ignorable(diagnostic):
            source = diagnostic.span.source
            if source not in known:
                known[source] = _index(read_comments(source).suppressions)
            places = (diagnostic.code, diagnostic.span.line), (diagnostic.code, None)
            covering = [each for place in places for each in known[source].get(place, ())]
        (ignored if covering else kept).append(diagnostic)
        used.update(covering)
    return Sifted(tuple(kept), tuple(ignored), frozenset(used))


_Index = dict[tuple[str, int | None], list[Suppression]]
"""Suppressions by code and line."""


def _index(suppressions: Iterable[Suppression]) -> _Index:
    found: _Index = {}
    for each in suppressions:
        found.setdefault((each.code, each.line), []).append(each)
    return found


def unused(suppressions: Iterable[Suppression]) -> Iterator[Diagnostic]:
    """A warning for each of these suppressions, which keep nothing back."""
    for each in suppressions:
        message = f"nothing here gives {each.code}, which this comment ignores"
        hint = "the comment can go"
        if each.line is not None and _stands_alone(each.span):
            hint = "it is about its own line; it belongs at the end of the line that the diagnostic starts on"
        yield Diagnostic(UNUSED, message, each.span, Severity.WARNING, hints=(hint,))


def without_effect(suppression: Suppression) -> Diagnostic:
    """The warning of a suppression of an error that cannot be kept back."""
    message = f"{suppression.code} cannot be ignored here: without mending it the file has no meaning"
    hint = "warnings can be ignored, and what is wrong with checks (NF5xx)"
    return Diagnostic(UNUSED, message, suppression.span, Severity.WARNING, hints=(hint,))


def read_comments(source: Source) -> Comments:
    """The suppressions that a source's comments hold. Takes time in the text."""
    if "nfc" not in source.text:
        return Comments((), ())
    from nfc.syntax.build import comments

    suppressions: list[Suppression] = []
    malformed: list[Diagnostic] = []
    for comment in comments(source):
        for match in _COMMENT.finditer(comment.text):
            _read(match, comment.span, suppressions, malformed)
    return Comments(tuple(suppressions), tuple(malformed))


def _read(
    match: re.Match[str], comment: Span, suppressions: list[Suppression], malformed: list[Diagnostic]
) -> None:
    """Add what one comment holds; prose after `nfc` is none of it."""
    word, start = match["word"], comment.start
    whole = Span(comment.source, start + match.start(), start + match.end())
    if word not in (IGNORE, IGNORE_FILE) or not match["colon"]:
        close = get_close_matches(word.lower(), (IGNORE, IGNORE_FILE), n=1, cutoff=0.75)
        if close and (match["colon"] or match["codes"] is not None):
            message = f"`{match[0].strip()}` is no comment that nfc knows"
            hint = f"did you mean `# nfc: {close[0]}[…]`?"
            malformed.append(Diagnostic(MALFORMED, message, whole, Severity.WARNING, hints=(hint,)))
        return
    if match["codes"] is None or not match["codes"].strip(" \t,") or not match["end"]:
        lack = "lacks its `]`" if match["codes"] and not match["end"] else "names no codes"
        message = f"this `{word}` comment {lack}"
        malformed.append(Diagnostic(MALFORMED, message, whole, Severity.WARNING, hints=(_EXAMPLE,)))
        return
    line = comment.line if word == IGNORE else None
    for code in _CODE.finditer(match["codes"]):
        span = Span(comment.source, *(start + match.start("codes") + place for place in code.span()))
        if code[0] in codes():
            suppressions.append(Suppression(code[0], span, line))
        else:
            malformed.append(unknown_code(code[0], span, Severity.WARNING))


def unknown_code(code: str, span: Span | None, severity: Severity = Severity.ERROR) -> Diagnostic:
    """The diagnostic of what stands for a code and is none."""
    hints = did_you_mean(code.upper(), codes()) or ("`nfc explain` lists the codes",)
    return Diagnostic(MALFORMED, f"there is no code `{code}`", span, severity, hints=hints)


def _stands_alone(span: Span) -> bool:
    """Whether nothing but its comment stands on a span's line."""
    return span.source.line(span.line).lstrip().startswith("#")
