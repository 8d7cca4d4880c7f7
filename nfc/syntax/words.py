"""The words and tokens of the grammar, with the names under which messages speak of them."""

from __future__ import annotations

RESERVED = ("and", "or", "not", "xor", "in", "for", "if", "true", "false", "via", "as", "each")
"""Words that are no names anywhere."""

RESERVED_TOKENS = ("AND", "OR", "NOT", "XOR", "IN", "FOR", "IF", "TRUE", "FALSE", "_VIA", "_AS", "EACH")

DEFINITIONS = ("nf", "use", "param", "let", "mask", "topology", "network", "check")
"""First words of what stands in a file; names everywhere else."""

OPERATIONS = frozenset(
    "input linear conv depthwise relu gelu silu tanh sigmoid leaky_relu softmax log_softmax norm pool dropout"
    " flatten reshape transpose pad crop shuffle embed position attention repeat residual sum concat init".split()
)
"""First words of what stands in a network; they help to tell what a line outside of it wants to be."""

BRANCHING = ("sum", "concat")
"""Operations whose block holds blocks."""

CONTINUING = frozenset(
    "_COMMA _COLON _EQUAL _VIA AND OR NOT XOR IN CASCADE COMPARATOR RANGE PLUS MINUS BAR AMPERSAND STAR SLASH"
    " FLOOR PERCENT TILDE POWER".split()
)
"""Tokens after which a newline does not end the statement."""

CONTINUING_TEXT = frozenset(
    ", : = via and or not xor in >> == != < <= > >= .. ..< + - | & * / // % ~ **".split()
)
"""The same tokens as text."""

EXPRESSION_STARTS = frozenset("NAME PATH NUMBER STRING TRUE FALSE NOT MINUS TILDE LPAR LSQB".split())

OPERATORS = frozenset(
    "CASCADE OR AND COMPARATOR IN RANGE XOR PLUS MINUS BAR AMPERSAND STAR SLASH FLOOR PERCENT POWER".split()
)

_SHOWN = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string in double quotes",
    "PATH": "a path",
    "_SEP": "a new line",
    "$END": "the end of the file",
    "_EQUAL": "`=`",
    "_COMMA": "`,`",
    "_COLON": "`:`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "BLOCK_OPEN": "`{`",
    "BLOCK_CLOSE": "`}`",
    "SET_OPEN": "`{`",
    "SET_CLOSE": "`}`",
}

_UNSHOWN = ("SET_OPEN", "TILDE", "INIT", "$END")


def describe_expected(tokens: frozenset[str]) -> str:
    """What may stand in a place, in words, from the terminals that the parser accepts there."""
    left = {token for token in tokens if not token.startswith("BAD_")}
    shown = []
    if "MINUS" in left and EXPRESSION_STARTS - {"NOT"} <= left:
        shown.append("a value")
        left -= EXPRESSION_STARTS
    if OPERATORS & left:
        left -= OPERATORS
        shown.append("an operator")
    shown += sorted(
        {_SHOWN.get(token, f"`{token.strip('_').lower()}`") for token in left.difference(_UNSHOWN)}
    )
    if len(shown) <= 1:
        return "".join(shown) or "the end of the file"
    return f"{', '.join(shown[:-1])} or {shown[-1]}"
