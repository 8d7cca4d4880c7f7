"""Mistakes that can be made in any statement."""

from __future__ import annotations

import re

from nfc.diagnostics import Diagnostic
from nfc.syntax.faults import Fault
from nfc.syntax.words import EXPRESSION_STARTS, OPERATORS

_OPERATOR = re.compile(r">>|\*\*|//|==|!=|<=|>=|\.\.<?|[-+*/%|&<>]|and\b|or\b|xor\b|in\b")


def leading_operator(fault: Fault) -> Diagnostic | None:
    """A line that starts with an operator, meant to go on from the line above."""
    if fault.before.strip() or not _OPERATOR.match(fault.after or fault.found) or fault.place == "expression":
        return None
    if "\n" not in fault.source.text[: fault.offset]:
        return None
    hint = f"a statement goes on in the next line where `{fault.found}` ends the line above, or inside `( )`"
    return fault.report("NF109", f"a statement cannot start with `{fault.found}`", hint)


def set_braces(fault: Fault) -> Diagnostic | None:
    if fault.place != "file" or fault.found != "{" or not fault.expected | {"NOT"} >= EXPRESSION_STARTS:
        return None
    return fault.report(
        "NF109", "a set cannot stand here", "a set's `{` follows `=` or `+`, in the body of a mask"
    )


def other_branch(fault: Fault) -> Diagnostic | None:
    found_if = fault.found == "if" and "_SEP" in fault.expected
    if not found_if and fault.found not in ("else", "elif", "?", "then"):
        return None
    hint = "there is no conditional value; a comparison counts as a condition of a mask or of a set's `if`"
    return fault.report("NF108", f"`{fault.found}` cannot stand here", hint)


def missing_operand(fault: Fault) -> Diagnostic | None:
    if fault.previous not in OPERATORS or not fault.expected | {"NOT"} >= EXPRESSION_STARTS:
        return None
    operator = re.search(r"(\S+)\s*\Z", fault.before)
    sign = (
        operator[1][-2:]
        if operator and operator[1][-2:] in (">>", "**", "//", "==", "!=", "<=", ">=", "..")
        else None
    )
    shown = sign or (
        operator[1] if operator and operator[1].isalpha() else operator[1][-1] if operator else "it"
    )
    return fault.report("NF111", f"expected a value after `{shown}`, found {fault.shown}")


def missing_value(fault: Fault) -> Diagnostic | None:
    if fault.previous != "_EQUAL" or "MINUS" not in fault.expected or not fault.at_end:
        return None
    return fault.report("NF111", f"expected a value after `=`, found {fault.shown}")


def loop_in_value(fault: Fault) -> Diagnostic | None:
    if fault.found != "for" or fault.place == "network":
        return None
    hint = "`for` stands in a set, `{ expression for name in range }`, in the body of a mask"
    return fault.report("NF109", "`for` cannot stand here", hint)


def second_range(fault: Fault) -> Diagnostic | None:
    if fault.found not in ("..", "..<") or ".." not in fault.before:
        return None
    return fault.report("NF109", "a range has two ends", "it is written `a..b` or `a..<b`")


def two_statements(fault: Fault) -> Diagnostic | None:
    """A statement that is whole, and more on its line."""
    if "_SEP" not in fault.expected or fault.at_end or fault.place == "expression":
        return None
    if not re.match(r"[A-Za-z_0-9\"]", fault.found):
        return None
    return fault.report(
        "NF110", f"expected a new line, found {fault.shown}", "statements are separated by new lines or `;`"
    )


RULES = (
    leading_operator,
    set_braces,
    other_branch,
    loop_in_value,
    missing_operand,
    missing_value,
    second_range,
    two_statements,
)
