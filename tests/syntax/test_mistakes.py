"""What nfc says of the mistakes in `mistakes.md`: one diagnostic each, at its place, and none invented."""

from __future__ import annotations

import random

import pytest
from syrupy.assertion import SnapshotAssertion

from nfc.diagnostics import Diagnostic, describe
from tests.syntax.mistakes import CASES
from tests.syntax.trees import parsed

HEADER = "nf 1\n"
BODIES = {
    name: text.removeprefix(HEADER)
    for name, text in CASES.items()
    if text.startswith(HEADER) and not name.startswith("edition")
}


def shown(diagnostic: Diagnostic) -> str:
    """The diagnostic on one line, and what it and its labels point at."""
    assert diagnostic.span is not None
    lines = [describe(diagnostic), f"    at {diagnostic.span.text[:60]!r}"]
    return "\n".join([*lines, *(f"    {label.text}: {label.span.text!r}" for label in diagnostic.labels)])


@pytest.mark.parametrize("name", CASES)
def test_message(name: str, snapshot: SnapshotAssertion) -> None:
    (diagnostic,) = parsed(CASES[name])[1]
    assert shown(diagnostic) == snapshot


def test_no_mistake_gets_the_general_message_by_oversight() -> None:
    """Those that do are known; a new one should have a message of its own."""
    general = [name for name, text in CASES.items() if parsed(text)[1][0].code == "NF100"]
    assert general == ["set without comma"]


@pytest.mark.parametrize("seed", range(40))
def test_ten_mistakes_in_one_file_give_the_diagnostics_of_each(seed: int) -> None:
    names = random.Random(seed).sample(sorted(BODIES), 10)
    alone = [diagnostic.message for name in names for diagnostic in parsed(HEADER + BODIES[name])[1]]
    together = [
        diagnostic.message for diagnostic in parsed(HEADER + "".join(BODIES[name] for name in names))[1]
    ]
    assert together == alone


def test_messages_have_their_form() -> None:
    for text in CASES.values():
        (diagnostic,) = parsed(text)[1]
        assert not diagnostic.message.endswith(".")
        for sentence in (diagnostic.message, *diagnostic.hints):
            assert "you" not in sentence.removeprefix("did you mean").split()
            assert sentence == sentence.strip()
            assert not any(
                token in sentence for token in ("_SEP", "BLOCK_OPEN", "LPAR", "NEWLINE", "UNKNOWN")
            )
