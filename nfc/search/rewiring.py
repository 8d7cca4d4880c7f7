"""Giving layers of a file other topologies, everything else of its text kept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nfc.source import Span

_TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[()\[\]{}]|[A-Za-z_][A-Za-z0-9_]*|.', re.DOTALL)


def rewired(text: str, topologies: Mapping[Span, str]) -> str:
    """The text with the `via` of statements replaced, or added.

    Args:
        topologies: by the span of the statement, an operation that takes `via`.
    """
    for span, topology in sorted(topologies.items(), key=lambda item: -item[0].start):
        start = span.start + _via(text[span.start : span.end])
        text = f"{text[:start].rstrip(' ')} via {topology}{text[span.end :]}"
    return text


def _via(statement: str) -> int:
    """Where the word `via` stands in a statement, outside of brackets; its end where there is none."""
    nesting = 0
    for match in _TOKEN.finditer(statement):
        nesting += (match[0] in "([{") - (match[0] in ")]}")
        if match[0] == "via" and nesting == 0:
            return match.start()
    return len(statement)
