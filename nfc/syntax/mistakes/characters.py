"""Characters, strings, numbers and operators that the language does not have."""

from __future__ import annotations

import re
import unicodedata

from nfc.diagnostics import Diagnostic
from nfc.syntax.faults import Fault

_CURLY = "“”„‟‘’‚‛«»"
_LOOKS_LIKE = {
    "×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "≠": "!=",
    "≫": ">>", "»": ">>", "→": ">>", "⊕": "xor", "∧": "and", "∨": "or", "¬": "not", "∈": "in", "…": "..",
    "′": '"', "（": "(", "）": ")", "，": ",", "；": ";", "：": ":", "｛": "{", "｝": "}",
    "＝": "=",
}  # fmt: skip
_FOREIGN = {
    "&&": "and",
    "||": "or",
    "!": "not",
    "^": "xor` or `**",
    "<>": "!=",
    "=>": ">=` or `=",
    "->": ">>",
    "<-": "=",
    "<<": ">>",
    ":=": "=",
    "===": "==",
    "!==": "!=",
    "|>": ">>",
}
_NUMBER = re.compile(r"\.?[0-9][A-Za-z0-9_.]*%?")
_HEX = re.compile(r"0[xob][0-9a-fA-F_]+")


def curly_quotes(fault: Fault) -> Diagnostic | None:
    if fault.found not in _CURLY or not fault.found:
        return None
    return fault.report(
        "NF104", f"`{fault.found}` starts no string", 'strings stand in straight double quotes, `"…"`'
    )


def single_quotes(fault: Fault) -> Diagnostic | None:
    if fault.found not in ("'", "`"):
        return None
    match = re.compile(rf"{fault.found}[^'`\n]*{fault.found}").match(fault.source.text, fault.offset)
    span = fault.between(*match.span()) if match else fault.span
    inner = match[0][1:-1] if match else "…"
    return fault.report(
        "NF104", f"{fault.found} starts no string", f'strings stand in double quotes: `"{inner}"`', span=span
    )


def foreign_characters(fault: Fault) -> Diagnostic | None:
    """A character outside of ASCII, or one that cannot be seen."""
    found = fault.found
    if len(found) != 1 or (found.isascii() and (found.isprintable() or found == "\n")):
        return None
    if found in _LOOKS_LIKE:
        return fault.report(
            "NF102", f"`{found}` is not a character of the language", f"it is written `{_LOOKS_LIKE[found]}`"
        )
    if found.isalpha():
        return _foreign_name(fault)
    name = unicodedata.name(found, "a control character").lower()
    code = f"U+{ord(found):04X}"
    shown = f"`{found}` ({code}, {name})" if found.isprintable() else f"{code} ({name})"
    return fault.report("NF102", f"{shown} is not a character of the language", "it has to go")


def _foreign_name(fault: Fault) -> Diagnostic:
    text = fault.source.text
    start = fault.offset
    while start > fault.start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    word = re.compile(r"\w+").match(text, start)
    end = word.end() if word else fault.offset + 1
    return fault.report(
        "NF102",
        f"`{fault.found}` cannot stand in a name",
        "names are made of the letters A to Z and a to z, digits and `_`",
        span=fault.between(start, end),
    )


def line_comment(fault: Fault) -> Diagnostic | None:
    if not fault.found.startswith("//") or (fault.before.strip() and "NUMBER" not in fault.expected):
        return None
    return fault.report("NF108", "`//` starts no comment", "comments run from `#` to the end of the line")


def foreign_operator(fault: Fault) -> Diagnostic | None:
    found = fault.source.text[fault.offset : fault.offset + 2] if fault.found == "|" else fault.found
    if found not in _FOREIGN:
        return None
    hint = f"it is written `{_FOREIGN[found]}` here"
    return fault.report("NF108", f"`{found}` is not an operator of the language", hint)


def many_dots(fault: Fault) -> Diagnostic | None:
    if not fault.found.startswith("..."):
        return None
    hint = "a range is written `a..b` with both ends, or `a..<b` without `b`"
    return fault.report("NF108", f"`{fault.found}` is not an operator of the language", hint)


def number(fault: Fault) -> Diagnostic | None:
    """A number that goes on where it should end."""
    found = fault.found
    if not found or not (_NUMBER.fullmatch(found)) or ({"NUMBER"} <= fault.expected and _is_number(found)):
        return None
    if _is_number(found):
        return None
    return fault.report("NF105", f"`{found}` is not a number", _number_hint(found))


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"([0-9]+(_[0-9]+)*)?(\.?[0-9]+(_[0-9]+)*)?([eE][+-]?[0-9]+)?[kMG]?%?", text))


def _number_hint(text: str) -> str:
    if _HEX.match(text):
        return (
            f"numbers are decimal: `{int(text.replace('_', '')[:18], 0)}`"
            if _readable(text)
            else "numbers are decimal"
        )
    if text.endswith("."):
        return f"a point has digits after it: `{text}0`"
    if re.search(r"[0-9.][a-zA-Z]", text) and text[-1].lower() in "kmg":
        return "the suffixes are `k` (thousands), `M` (millions) and `G` (billions)"
    return "a number has digits, `_` between them, `.`, an exponent, and at its end `k`, `M`, `G` or `%`"


def _readable(text: str) -> bool:
    try:
        int(text.replace("_", "")[:18], 0)
    except ValueError:
        return False
    return True


def bare_point(fault: Fault) -> Diagnostic | None:
    """`5.`."""
    if fault.found != "." or fault.previous != "NUMBER" or not fault.before[-1:].isdigit():
        return None
    return fault.report("NF105", "a number cannot end with a point", "there are digits after it, as in `5.0`")


def percent(fault: Fault) -> Diagnostic | None:
    """`50 %`, which is a remainder that lacks its right side."""
    if fault.previous != "PERCENT" or not re.search(r"[0-9]\s+%\s*$", fault.before):
        return None
    start = fault.start + fault.before.rindex("%")
    return fault.report(
        "NF105",
        f"expected a value after `%`, found {fault.shown}",
        "a percentage has no space before `%`, as in `50%`",
        span=fault.between(start, start + 1),
    )


def compound_assignment(fault: Fault) -> Diagnostic | None:
    if not re.fullmatch(r"[-+*/%]=|\+\+|--", fault.found):
        return None
    return fault.report(
        "NF108",
        f"`{fault.found}` is not an operator of the language",
        "a constant has one value: `let name = value`",
    )


RULES = (
    curly_quotes,
    single_quotes,
    foreign_characters,
    line_comment,
    foreign_operator,
    many_dots,
    compound_assignment,
    number,
    bare_point,
    percent,
)
