"""Mistakes in the operations of a network."""

from __future__ import annotations

import re

from nfc.diagnostics import Diagnostic, Label
from nfc.syntax.faults import Fault
from nfc.syntax.words import DEFINITIONS

_CALL = re.compile(r"(?:[A-Za-z_]\w*\s*:\s*)?([A-Za-z_]\w*)\((.*)", re.DOTALL)


def definition_inside(fault: Fault) -> Diagnostic | None:
    """A `let`, a `mask` … in a block, where it is no operation of that name."""
    word = fault.first_word
    if fault.place not in ("network", "check") or word not in DEFINITIONS:
        return None
    if not re.match(r'(?:use\s+"|nf\s+[0-9]|\w+\s+[A-Za-z_]\w*\s*[=(\[{:])', fault.statement):
        return None
    hint = "definitions stand in the file itself, outside of every `{ … }`"
    span = fault.between(fault.start, fault.start + len(word))
    return fault.report("NF106", f"`{word}` cannot stand inside a block", hint, span=span)


def control_flow(fault: Fault) -> Diagnostic | None:
    if (
        fault.place != "network"
        or fault.before.strip()
        or fault.found not in ("for", "if", "each", "via", "as")
    ):
        return None
    hint = {
        "for": "copies of layers are written `repeat n { … }`",
        "if": "a network has no conditions; `repeat n { … }` with an n of 0 or 1 is the nearest",
        "each": "`each` stands in a `check` block",
        "via": "`via` follows its operation on the same line: `linear 10 via butterfly`",
        "as": '`as "reason"` follows an assertion in a `check` block',
    }[fault.found]
    return fault.report("NF109", f"`{fault.found}` starts no operation", hint)


def call_style(fault: Fault) -> Diagnostic | None:
    """`linear(128, bias=false)`."""
    match = _CALL.match(fault.statement)
    if fault.place != "network" or match is None or "(" not in fault.before:
        return None
    if fault.before.count("(") > 1 and fault.found not in (",", "="):
        return None
    inner = match[2].rpartition(")")[0] if ")" in match[2] else match[2]
    arguments = re.sub(r"\s*,\s*", " ", inner).strip()
    hint = f"arguments follow without parentheses or commas: `{f'{match[1]} {arguments}'.strip()}`"
    start = fault.start + match.start(1)
    return fault.report(
        "NF109",
        f"`{match[1]}` is written like a call",
        hint,
        span=fault.between(start, start + len(match[1])),
    )


def chained(fault: Fault) -> Diagnostic | None:
    """`relu >> linear 5`."""
    if (
        fault.place != "network"
        or fault.found not in (">>", "->", "=>", "|>", "→", "|")
        or not fault.before.strip()
    ):
        return None
    if re.search(r"\bvia\b", fault.before):
        return None
    hint = "each operation stands on a line of its own, or they are separated by `;`"
    return fault.report("NF109", f"operations are not joined by `{fault.found}`", hint)


def label_alone(fault: Fault) -> Diagnostic | None:
    if (
        fault.place != "network"
        or fault.previous != "_COLON"
        or not re.fullmatch(r"\w+\s*:\s*", fault.before)
    ):
        return None
    return fault.report("NF111", f"expected an operation after the label, found {fault.shown}")


def second_label(fault: Fault) -> Diagnostic | None:
    if fault.place != "network" or fault.found != ":" or not re.fullmatch(r"\w+\s*:\s*\w+\s*", fault.before):
        return None
    first = re.match(r"\w+", fault.before)
    labels = (
        [Label(fault.between(fault.start, fault.start + first.end()), "the first label")] if first else []
    )
    start = fault.offset - len(fault.before.rpartition(":")[2].lstrip())
    return fault.report(
        "NF109", "an operation has one label", span=fault.between(start, fault.offset), labels=labels
    )


def colon_for_equals(fault: Fault) -> Diagnostic | None:
    if fault.place != "network" or fault.found != ":" or not fault.last_word:
        return None
    if fault.before.strip() == fault.last_word:
        return None
    return fault.report(
        "NF109",
        "expected `=` after the name of an argument, found `:`",
        f"it is written `{fault.last_word}=value`",
    )


def double_equals(fault: Fault) -> Diagnostic | None:
    if fault.place != "network" or fault.found != "==" or not fault.last_word:
        return None
    hint = f"an argument is written `{fault.last_word}=value`; `==` compares"
    return fault.report("NF109", "expected `=` after the name of an argument, found `==`", hint)


def commas(fault: Fault) -> Diagnostic | None:
    if fault.place != "network" or fault.found != ",":
        return None
    hint = "arguments are separated by spaces, operations by new lines or `;`"
    return fault.report("NF109", "an operation's parts are not separated by commas", hint)


def after_via(fault: Fault) -> Diagnostic | None:
    """`linear 5 via dense bias=false`; `via` with nothing after it."""
    match = re.search(r"\bvia\b", fault.before)
    if fault.place != "network" or match is None:
        return None
    if not fault.before[match.end() :].strip():
        return fault.report(
            "NF111",
            f"expected a topology after `via`, found {fault.shown}",
            "as in `linear 10 via butterfly`",
        )
    if fault.found == "{":
        return fault.report(
            "NF109",
            "an operation with `via` takes no block",
            "braces of a set stand after `=` or `+`, in a mask",
        )
    if re.match(r"[A-Za-z_]\w*\s*=(?!=)", fault.after):
        hint = f"`via` takes the rest of the statement; `{fault.found}=…` stands before it"
        return fault.report("NF109", f"`{fault.found}=…` stands after `via`", hint)
    return None


def misplaced_positional(fault: Fault) -> Diagnostic | None:
    """`linear bias=false 128`."""
    if (
        fault.place != "network"
        or fault.previous in (None, "_SEP")
        or not re.match(r"[\w\"\[]", fault.found or " ")
    ):
        return None
    if not re.search(r"\w\s*=(?!=)", fault.before) or re.search(r"\bvia\b", fault.before):
        return None
    hint = "arguments without a name come first, then those with one, then `via`"
    return fault.report("NF109", f"`{fault.found}` stands after an argument with a name", hint)


def path_as_operation(fault: Fault) -> Diagnostic | None:
    if fault.place != "network" or fault.found != "." or not fault.last_word:
        return None
    return fault.report(
        "NF109", "an operation's name has no points", "a label has none either; paths are for checks"
    )


def second_block(fault: Fault) -> Diagnostic | None:
    """Anything after a block's `}` on its line."""
    if fault.place != "block":
        return None
    hint = "a statement after a block's `}` needs a new line or `;`"
    return fault.report("NF110", f"expected a new line after `}}`, found {fault.shown}", hint)


RULES = (
    second_block,
    definition_inside,
    control_flow,
    call_style,
    label_alone,
    second_label,
    colon_for_equals,
    double_equals,
    after_via,
    commas,
    misplaced_positional,
    path_as_operation,
)
