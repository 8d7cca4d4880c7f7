"""From Lark's tree of a file to one document, bottom-up and without recursion, so that no depth can break it."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token, Tree

from nfc.formatting.documents import Document
from nfc.formatting.expressions import CHAINS, EXPRESSIONS
from nfc.formatting.gaps import Gaps
from nfc.formatting.pieces import Piece
from nfc.formatting.statements import OTHERS, file
from nfc.source import Source
from nfc.syntax import ast

_RULES = EXPRESSIONS | OTHERS


def print_file(
    tree: Tree[Token], source: Source, comments: Sequence[ast.Comment], line_length: int
) -> Document:
    """The document of a `file` tree without mistakes, its comments in their places.

    Args:
        line_length: characters of a line that blocks and expressions should not pass.
    """
    tokens, trees = _in_order(tree)
    gaps = Gaps(source, tokens, comments)
    printed: dict[int, Piece] = {}
    for each in trees:
        parts = [
            printed.pop(id(child)) if isinstance(child, Tree) else _leaf(child, gaps)
            for child in each.children
            if child is not None
        ]
        if each is tree:
            return file(parts, gaps, line_length)
        printed[id(each)] = _piece(each, parts, gaps)
    raise AssertionError("a tree is the last of its own subtrees")


def _in_order(root: Tree[Token]) -> tuple[list[Token], list[Tree[Token]]]:
    """The tokens of a tree as they stand in the text, and its subtrees, each behind those inside of it."""
    tokens: list[Token] = []
    trees: list[Tree[Token]] = []
    pending: list[Tree[Token] | Token | None] = [root]
    while pending:
        each = pending.pop()
        if isinstance(each, Tree):
            trees.append(each)
            pending.extend(each.children)
        elif each is not None:
            tokens.append(each)
    tokens.reverse()
    trees.reverse()
    return tokens, trees


def _leaf(token: Token, gaps: Gaps) -> Piece:
    start, end = token.start_pos or 0, token.end_pos or 0
    return Piece(gaps.token(token), start, end, token.type, leading=gaps.leading(token))


def _piece(tree: Tree[Token], parts: Sequence[Piece], gaps: Gaps) -> Piece:
    rule = str(tree.data)
    printer = "wired" if rule == "operation" and tree.children[-1] is not None else rule
    first, *rest = parts
    body = _RULES[printer]([first.without_leading, *rest], gaps)
    return Piece(body, first.start, parts[-1].end, rule, rule in CHAINS, first.leading)
