"""Mistakes in what stands in the file itself: definitions and what is none."""

from __future__ import annotations

import re

from nfc.diagnostics import Diagnostic, did_you_mean
from nfc.syntax.faults import Fault
from nfc.syntax.words import DEFINITIONS, OPERATIONS, RESERVED

_ELSEWHERE = {
    "import": 'another file is read with `use "file.nf"`',
    "from": 'another file is read with `use "file.nf"`',
    "include": 'another file is read with `use "file.nf"`',
    "require": 'another file is read with `use "file.nf"`',
    "def": "a network is written `network name { … }`, a topology `topology name(k) = …`",
    "fn": "a topology with parameters is written `topology name(k) = …`",
    "func": "a topology with parameters is written `topology name(k) = …`",
    "function": "a topology with parameters is written `topology name(k) = …`",
    "class": "a network is written `network name { … }`",
    "model": "a network is written `network name { … }`",
    "module": "a network is written `network name { … }`",
    "net": "a network is written `network name { … }`",
    "const": "a constant is written `let name = value`",
    "var": "a constant is written `let name = value`, one that can be overridden `param name = value`",
    "assert": "assertions stand in a block `check network { … }`",
    "test": "assertions stand in a block `check network { … }`",
    "while": "there are no loops; copies of layers are written `repeat n { … }`",
    "return": "a network's last operation is its output",
    "print": "`nfc show` prints what a network is made of",
}
_FORMS = {
    "let": "let name = value",
    "param": "param name = value",
    "topology": "topology name = …",
    "mask": "mask name[o, i] = …",
    "network": "network name { … }",
    "check": "check network { … }",
    "use": 'use "file.nf"',
    "nf": "nf 1",
}


def edition(fault: Fault) -> Diagnostic | None:
    if fault.place != "file" or fault.first_word != "nf":
        return None
    return fault.report(
        "NF101",
        f"expected `nf 1`, found {fault.shown} after `nf`"
        if fault.before.strip() == "nf"
        else f"expected a new line after `nf 1`, found {fault.shown}",
        "the first line of the file should be `nf 1`",
    )


def reserved_name(fault: Fault) -> Diagnostic | None:
    """A reserved word where only a name may stand."""
    if fault.found not in RESERVED or "NAME" not in fault.expected or "NUMBER" in fault.expected:
        return None
    if fault.place == "network" and not fault.before.strip():
        return None
    hint = f"`{fault.found}` is a word of the language and names nothing; `{fault.found}_` would do"
    return fault.report("NF107", f"expected a name, found the reserved word `{fault.found}`", hint)


def reserved_label(fault: Fault) -> Diagnostic | None:
    if fault.found not in RESERVED or not re.match(rf"{fault.found}\s*[:=](?!=)", fault.after):
        return None
    hint = f"`{fault.found}` is a word of the language and names nothing; `{fault.found}_` would do"
    return fault.report("NF107", f"expected a name, found the reserved word `{fault.found}`", hint)


def not_a_definition(fault: Fault) -> Diagnostic | None:
    """A word at file level that starts no definition."""
    word = fault.first_word
    if fault.place != "file" or fault.before.strip() or not word or word in DEFINITIONS:
        return None
    if word in RESERVED:
        return _reserved_statement(fault, word)
    if word in _ELSEWHERE:
        return fault.report("NF106", f"`{word}` starts no definition", _ELSEWHERE[word])
    if word in OPERATIONS or re.match(r"\w+\s*:", fault.after):
        hint = "operations stand in a block `network name { … }`"
        return fault.report("NF106", f"`{word}` stands outside of every network", hint)
    hints = did_you_mean(word, DEFINITIONS) or _assignment(fault)
    known = ", ".join(f"`{known}`" for known in DEFINITIONS[1:-1])
    return fault.report("NF106", f"expected a definition ({known} or `check`), found `{fault.found}`", *hints)


def _assignment(fault: Fault) -> tuple[str, ...]:
    match = re.match(r"(\w+)\s*[-+*/]?=", fault.after)
    return (f"a constant is written `let {match[1]} = value`",) if match else ()


def _reserved_statement(fault: Fault, word: str) -> Diagnostic:
    hint = (
        "there are no loops; copies of layers are written `repeat n { … }`"
        if word == "for"
        else "definitions have no conditions"
    )
    if word not in ("for", "if"):
        hint = f"a definition starts with {', '.join(f'`{known}`' for known in DEFINITIONS[1:-1])} or `check`"
    return fault.report("NF106", f"`{word}` starts no definition", hint)


def bare_block(fault: Fault) -> Diagnostic | None:
    if fault.place != "file" or fault.before.strip() or fault.found != "{":
        return None
    return fault.report("NF106", "this block belongs to nothing", "a network is written `network name { … }`")


def missing_name(fault: Fault) -> Diagnostic | None:
    """`network {`, `let = 3`, `check {`."""
    word = fault.first_word
    if (
        fault.place != "file"
        or word not in _FORMS
        or fault.before.strip() != word
        or "NAME" not in fault.expected
    ):
        return None
    what = "the name of a network" if word == "check" else "a name"
    return fault.report(
        "NF111", f"expected {what} after `{word}`, found {fault.shown}", f"it is written `{_FORMS[word]}`"
    )


def unquoted_path(fault: Fault) -> Diagnostic | None:
    if fault.place != "file" or fault.first_word != "use" or fault.before.strip() != "use":
        return None
    path = fault.after.partition("#")[0].strip()
    hint = f'it is written `use "{path}"`' if path and '"' not in path else 'it is written `use "file.nf"`'
    return fault.report("NF104", f"expected a file's path in double quotes, found {fault.shown}", hint)


def typed_parameter(fault: Fault) -> Diagnostic | None:
    """`topology t(r: int)`."""
    if fault.place != "file" or fault.found != ":" or "RPAR" not in fault.expected or "=" in fault.before:
        return None
    return fault.report(
        "NF109", "expected `,`, `=` or `)`, found `:`", "parameters have no types; a default is written `r=2`"
    )


def missing_equals(fault: Fault) -> Diagnostic | None:
    """`let x 5`, `let x: 5`, `let x == 5`, `topology x { … }`."""
    word = fault.first_word
    if (
        fault.place != "file"
        or word not in ("let", "param", "topology", "mask")
        or "_EQUAL" not in fault.expected
    ):
        return None
    if word == "topology" and fault.found == "{":
        return fault.report(
            "NF111",
            "expected `=` before a topology's body, found `{`",
            "a topology is an expression: `topology name = butterfly >> dense`",
        )
    if fault.found == "[" and word != "mask":
        return fault.report(
            "NF111",
            f"expected `=`, found `[`; a `{word}` has no indices",
            "masks have: `mask name[o, i] = …`",
        )
    if fault.found == "(" and word in ("let", "param"):
        return fault.report(
            "NF111", f"expected `=`, found `(`; a `{word}` has no parameters", "topologies and masks have"
        )
    return fault.report("NF111", f"expected `=`, found {fault.shown}", f"it is written `{_FORMS[word]}`")


def mask_indices(fault: Fault) -> Diagnostic | None:
    if fault.place != "file" or fault.first_word != "mask" or "=" in fault.before.rpartition(")")[2]:
        return None
    hint = "a mask names its output and its input, `mask name[o, i] = …`, or its output alone, `mask name[o] = { … }`"
    if "LSQB" in fault.expected or "[" in fault.before.rpartition(")")[2]:
        return fault.report("NF111", f"expected the indices `[o, i]` of the mask, found {fault.shown}", hint)
    return None


def block_header(fault: Fault) -> Diagnostic | None:
    """`network name(…) {`, `network name = …`, `network name` alone."""
    word = fault.first_word
    if fault.place != "file" or word not in ("network", "check") or "BLOCK_OPEN" not in fault.expected:
        return None
    hints = [f"it is written `{_FORMS[word]}`"]
    if word == "network" and fault.found == "(":
        hints = ["a network has no parameters; a `param` of the file can be overridden"]
    if fault.found == ":":
        hints = [f"a block stands in braces: `{_FORMS[word]}`"]
    return fault.report("NF111", f"expected `{{`, found {fault.shown}", *hints)


RULES = (
    edition,
    reserved_name,
    reserved_label,
    not_a_definition,
    bare_block,
    unquoted_path,
    missing_name,
    typed_parameter,
    missing_equals,
    mask_indices,
    block_header,
)
