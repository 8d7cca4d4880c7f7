"""Patterns of paths, as in `.gitignore`: `*`, `?` and `[…]` stay inside a name, `**` takes folders.

A pattern without `/` is about a name at any depth; one with `/` starts at the folder that it is
relative to. What a pattern matches, it matches with all that lies below.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAGIC = re.compile(r"[*?\[]")

_PIECE = re.compile(
    r"(?P<folders>\*\*/)|(?P<any>\*\*+)|(?P<name>\*)|(?P<one>\?)|\[(?P<not>!?)(?P<set>\]?[^\]/]*)\]|(?P<text>.)",
    re.S,
)


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern is about a path, or about a folder that it lies in; both with `/`."""
    return _compiled(pattern).fullmatch(path) is not None


def matches_whole(pattern: str, path: str) -> bool:
    """Whether a pattern that starts at the same folder is about this very path."""
    return re.fullmatch(_translated(pattern), path, re.S) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    start = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    body = _translated(pattern.removeprefix("./").strip("/"))
    return re.compile(f"{start}{body}(?:/.*)?", re.S)


@lru_cache(maxsize=256)
def _translated(pattern: str) -> str:
    """A pattern as a regular expression."""
    return "".join(map(_piece, _PIECE.finditer(pattern)))


def _piece(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "folders":
            return "(?:[^/]+/)*"
        case "any":
            return ".*"
        case "name":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set" if match["set"]:
            return _character_set(match)
        case _:
            return re.escape(match[0])


def _character_set(match: re.Match[str]) -> str:
    """`[a-z]`; itself where its ranges run backwards."""
    inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", match["set"])
    found = f"(?!/)[{'^' if match['not'] else ''}{inside}]"
    try:
        re.compile(found)
    except re.error:
        return re.escape(match[0])
    return found
