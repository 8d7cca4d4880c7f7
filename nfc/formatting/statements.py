"""Statements, definitions and the file as documents, one function a grammar rule.

A block stays on the line on which it was written where it fits there. Empty lines stay, one of several.
"""

from __future__ import annotations

from collections.abc import Sequence

from nfc.formatting.documents import (
    BLANK_LINE,
    HARD_LINE,
    NOTHING,
    SEPARATOR,
    SPACE,
    SPACE_LINE,
    Document,
    OneLine,
    Text,
    concat,
    group,
    nest,
)
from nfc.formatting.expressions import COLON, EQUALS, Rule, spaced
from nfc.formatting.gaps import Gaps
from nfc.formatting.pieces import Piece, assigned, bracketed, inline

DEFINED = Text(" =", glued=True)
VIA = Text(" via", glued=True)
AS = Text(" as", glued=True)


# --- blocks ---


def block(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return _braces(parts, gaps, SEPARATOR)


def branches(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return _braces(parts, gaps, SPACE_LINE)


def _braces(parts: Sequence[Piece], gaps: Gaps, separator: Document) -> Document:
    """`{ … }` of statements, on several lines if it was written so."""
    opening, *statements, closing = parts
    ending = gaps.before(closing.start).document
    if not statements and ending is NOTHING:
        return concat(opening.document, closing.document)
    body = [SPACE_LINE, *_statements(statements, gaps, separator), ending]
    broken = gaps.holds_newline(opening.start, closing.start)
    return group(opening.document, nest(*body), SPACE_LINE, closing.document, broken=broken)


def _statements(pieces: Sequence[Piece], gaps: Gaps, separator: Document) -> list[Document]:
    documents: list[Document] = []
    for piece in pieces:
        gap = gaps.before(piece.start)
        if documents:
            documents += [separator, BLANK_LINE if gap.blank and not gap.comments else NOTHING]
        documents.append(_statement(piece, gaps))
    return documents


def _statement(piece: Piece, gaps: Gaps) -> Document:
    body = inline(piece.without_leading, gaps)
    return concat(piece.leading, OneLine(body) if gaps.is_pinned(piece.start, piece.end) else body)


# --- statements ---


def label(parts: Sequence[Piece], _: Gaps) -> Document:
    return concat(parts[0].document, COLON)


def keyword(parts: Sequence[Piece], gaps: Gaps) -> Document:
    key, value = parts
    return concat(key.document, EQUALS, inline(value, gaps))


def assertion(parts: Sequence[Piece], gaps: Gaps) -> Document:
    condition, *reason = parts
    if not reason:
        return inline(condition, gaps)
    return concat(inline(condition, gaps), AS, SPACE, reason[0].document)


def wired(parts: Sequence[Piece], gaps: Gaps) -> Document:
    """An operation with `via`: the topology comes last."""
    *head, topology = parts
    return concat(spaced(head, gaps), VIA, assigned(topology, head[-1].end, gaps))


# --- definitions ---


def constant(parts: Sequence[Piece], gaps: Gaps) -> Document:
    word, name, value = parts
    return concat(word.document, SPACE, name.document, DEFINED, assigned(value, name.end, gaps))


def form(parts: Sequence[Piece], gaps: Gaps) -> Document:
    """`mask name(parameters)[o, i] allow_empty = body`, and a topology, which has less."""
    word, name, *signature, body = parts
    documents = [word.document, SPACE, name.document]
    for part in signature:
        documents += [SPACE if part.rule == "ALLOW_EMPTY" else NOTHING, part.document]
    last = (signature or [name])[-1]
    return concat(*documents, DEFINED, assigned(body, last.end, gaps))


def parameters(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return bracketed(parts[0], parts[1:-1], parts[-1], gaps)


def parameter(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return keyword(parts, gaps) if len(parts) > 1 else parts[0].document


def checked(parts: Sequence[Piece], gaps: Gaps) -> Document:
    """`check name { … }` and `each kind { … }`, whose braces are parts of the rule itself."""
    word, name, *rest = parts
    return concat(word.document, SPACE, name.document, SPACE, block(rest, gaps))


# --- the file ---


def file(parts: Sequence[Piece], gaps: Gaps, line_length: int) -> Document:
    """Definitions, each on lines of its own, with an empty line around networks and checks of several lines."""
    documents: list[Document] = []
    tall_before = False
    for piece in parts:
        gap = gaps.before(piece.start)
        tall = piece.rule in ("network", "check") and _is_tall(piece, gaps, line_length)
        if documents:
            apart = tall or tall_before or (gap.blank and not gap.comments)
            documents += [HARD_LINE, BLANK_LINE if apart else NOTHING]
        documents.append(_statement(piece, gaps))
        tall_before = tall
    return concat(*documents, gaps.at_end.document)


def _is_tall(piece: Piece, gaps: Gaps, line_length: int) -> bool:
    """Whether a piece takes several lines, the comments before it left out."""
    return piece.body.width > line_length and not gaps.is_pinned(piece.start, piece.end)


OTHERS: dict[str, Rule] = {
    "block": block,
    "branches": branches,
    "label": label,
    "keyword": keyword,
    "operation": spaced,
    "wired": wired,
    "init": spaced,
    "assertion": assertion,
    "each_layer": checked,
    "edition": spaced,
    "use": spaced,
    "constant": constant,
    "mask": form,
    "topology": form,
    "parameters": parameters,
    "parameter": parameter,
    "indices": parameters,
    "network": spaced,
    "check": checked,
}
"""The printer of each rule that is no expression."""
