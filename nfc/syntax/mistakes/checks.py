"""Mistakes in checks."""

from __future__ import annotations

import re

from nfc.diagnostics import Diagnostic
from nfc.syntax.faults import Fault

_LAYERS = "as in `each linear { connected }`; the kinds are `linear`, `conv`, `attention` and `layer`"


def each_without_kind(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or fault.first_word != "each":
        return None
    if fault.before.strip() == "each":
        return fault.report("NF111", f"expected the kind of layer after `each`, found {fault.shown}", _LAYERS)
    if "BLOCK_OPEN" in fault.expected:
        return fault.report(
            "NF111", f"expected `{{` after `each {fault.last_word}`, found {fault.shown}", _LAYERS
        )
    return None


def unquoted_reason(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or fault.previous != "_AS":
        return None
    reason = re.split(r"[;}#\n]", fault.after)[0].strip()
    shown = reason if reason and '"' not in reason else "reason"
    return fault.report(
        "NF104",
        f"expected a reason in double quotes after `as`, found {fault.shown}",
        f'it is written `as "{shown}"`',
    )


def single_equals(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or fault.found != "=":
        return None
    return fault.report("NF108", "expected a comparison, found `=`", "equality is written `==`")


def two_assertions(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or "_SEP" not in fault.expected or not re.match(r"[A-Za-z_0-9\"]", fault.found):
        return None
    hint = "assertions are separated by new lines or `;`, and joined by `and`"
    return fault.report("NF110", f"expected a new line before the next assertion, found {fault.shown}", hint)


def after_in(fault: Fault) -> Diagnostic | None:
    """`x in a < b`, `in` in the middle of a chain."""
    if not re.fullmatch(r"[=!<>]=|[<>]|in", fault.found) or not re.search(r"\bin\b", fault.before):
        return None
    return fault.report(
        "NF109",
        f"`{fault.found}` cannot follow `in`",
        "`in` ends a chain of comparisons; `and` joins two of them",
    )


def label(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or fault.found != ":":
        return None
    hint = 'assertions have no labels; a reason follows: `depth <= 5 as "reason"`'
    return fault.report("NF109", "`:` cannot stand in an assertion", hint)


def comma(fault: Fault) -> Diagnostic | None:
    if fault.place != "check" or fault.found != "," or "_SEP" not in fault.expected:
        return None
    hint = "assertions are separated by new lines or `;`"
    return fault.report("NF109", "assertions are not separated by commas", hint)


RULES = (label, comma, each_without_kind, unquoted_reason, single_equals, two_assertions, after_in)
