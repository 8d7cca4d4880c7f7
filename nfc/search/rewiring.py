"""Giving layers of a file other topologies, everything else of its text kept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nfc.source import Span

_TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[()\[\]{}]|[A-Za-z_][A-Za-z0-9_]*|.', re.DOTALL)


def rewired(text: str, topologies: Mapping[Span, str]) -> str:
    """The text with the `via` of statements replaced, or added; comments within one go above its line.

    Args:
        topologies: by the span of the statement, an operation that takes `via`.
    """
    pieces: list[str] = []
    done = line = 0
    for span, topology in sorted(topologies.items(), key=lambda item: item[0].start):
        start = span.start + _via(text[span.start : span.end])
        beginning = text.rfind("\n", 0, span.start) + 1
        if beginning >= done:
            pieces.append(text[done:beginning])
            done, line = beginning, len(pieces)
        pieces.insert(line, _comments(text[start : span.end], text[beginning : span.start]))
        line += 1
        pieces.append(f"{text[done:start].rstrip(' ')} via {topology}")
        done = span.end
    return "".join((*pieces, text[done:]))


def _comments(wiring: str, before: str) -> str:
    """The comments of a `via`, a line each, as far in as the line of which `before` is the beginning."""
    margin = before[: len(before) - len(before.lstrip())]
    found = (match[0].rstrip() for match in _TOKEN.finditer(wiring))
    return "".join(f"{margin}{token}\n" for token in found if token.startswith("#"))


def _via(statement: str) -> int:
    """Where the word `via` stands in a statement, outside of brackets; its end where there is none."""
    nesting = 0
    for match in _TOKEN.finditer(statement):
        nesting += (match[0] in "([{") - (match[0] in ")]}")
        if match[0] == "via" and nesting == 0:
            return match.start()
    return len(statement)
