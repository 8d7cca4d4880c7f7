"""Expressions as documents, one function a grammar rule.

Operators have spaces around them, but `**` and ranges; lines break behind operators, where a newline
ends no statement. Parentheses, numbers and texts stay as written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from nfc.formatting.documents import (
    SOFT_LINE,
    SPACE,
    SPACE_LINE,
    Document,
    Text,
    concat,
    concat_all,
    group,
    nest,
)
from nfc.formatting.gaps import Gaps
from nfc.formatting.pieces import Piece, bracketed, inline

Rule = Callable[[Sequence[Piece], Gaps], Document]
"""The document of a rule from the pieces of its parts; parts that are absent are left out."""

CHAINS = frozenset(
    "expression disjunction conjunction comparison exclusive sum union intersection product".split()
)
"""Rules of operands with operators in between, which may break behind those."""

EQUALS = Text("=", glued=True)
COLON = Text(":", glued=True)


def joined(parts: Sequence[Piece], _: Gaps) -> Document:
    """Parts that touch: the tokens of an atom."""
    return concat_all(part.document for part in parts)


def spaced(parts: Sequence[Piece], gaps: Gaps) -> Document:
    """Parts with a space between two."""
    documents = [parts[0].document]
    for part in parts[1:]:
        documents += [SPACE, inline(part, gaps)]
    return concat_all(documents)


def chain(parts: Sequence[Piece], gaps: Gaps) -> Document:
    documents = [inline(parts[0], gaps)]
    for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
        documents += [SPACE, operator.document, SPACE_LINE, inline(operand, gaps)]
    return concat_all(documents)


def hugged(parts: Sequence[Piece], gaps: Gaps) -> Document:
    """Operators that touch their operands, where the two would not be read as something else then."""
    documents: list[Document] = [inline(parts[0], gaps)]
    for left, right in pairwise(parts):
        if left.rule == "NOT" or (left.rule == "RANGE" and gaps.character(right.start) == "."):
            documents.append(SPACE)
        documents.append(inline(right, gaps))
    return concat_all(documents)


def parenthesised(parts: Sequence[Piece], gaps: Gaps) -> Document:
    opening, inner, closing = parts
    body = group(inner.body, broken=gaps.holds_comment(inner.start, inner.end))
    return group(
        opening.document,
        nest(SOFT_LINE, inner.leading, body, gaps.before(closing.start).document),
        SOFT_LINE,
        closing.document,
        broken=gaps.holds_comment(opening.start, closing.start),
    )


def list_(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return bracketed(parts[0], parts[1:-1], parts[-1], gaps)


def call(parts: Sequence[Piece], gaps: Gaps) -> Document:
    return concat(parts[0].document, bracketed(parts[1], parts[2:-1], parts[-1], gaps))


def argument(parts: Sequence[Piece], gaps: Gaps) -> Document:
    key, value = parts
    return concat(key.document, EQUALS, inline(value, gaps))


def each(parts: Sequence[Piece], gaps: Gaps) -> Document:
    head, body = parts
    return concat(inline(head, gaps), COLON, SPACE, inline(body, gaps))


def set_(parts: Sequence[Piece], gaps: Gaps) -> Document:
    if not any(part.rule == "for" for part in parts):
        return bracketed(parts[0], parts[1:-1], parts[-1], gaps, padding=True)
    opening, *clauses, closing = parts
    lines = [part for clause in clauses for part in (SPACE_LINE, inline(clause, gaps))]
    return group(
        opening.document,
        nest(*lines, gaps.before(closing.start).document),
        SPACE_LINE,
        closing.document,
        broken=gaps.holds_comment(opening.start, closing.start),
    )


EXPRESSIONS: dict[str, Rule] = {
    **dict.fromkeys(CHAINS, chain),
    **dict.fromkeys(("negation", "range", "unary", "power"), hugged),
    **dict.fromkeys(("name", "path", "number", "string", "boolean"), joined),
    "parenthesised": parenthesised,
    "list": list_,
    "call": call,
    "argument": argument,
    "each": each,
    "set": set_,
    "for": spaced,
    "if": spaced,
}
"""The printer of each rule of the expression ladder."""
