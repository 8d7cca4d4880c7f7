"""Random programs: all executors agree; random text: nothing but diagnostics."""

from __future__ import annotations

import re

from hypothesis import event, given, settings
from hypothesis import strategies as st

import nfc
from nfc.diagnostics import Diagnostic
from nfc.source import Source
from tests.agreement.executors import Case, trained_like
from tests.programs import programs


def diagnostics_of(text: str) -> tuple[Diagnostic, ...]:
    """What loading says; any other exception is a failure of the test."""
    try:
        nfc.load(Source("drawn.nf", text))
    except nfc.NfcError as error:
        return error.diagnostics
    return ()


@settings(max_examples=60)
@given(programs(), st.integers(0, 2**16))
def test_executors_agree(text: str, seed: int) -> None:
    diagnostics = diagnostics_of(text)
    if diagnostics:
        event("a random size fits no topology")
        assert {d.code[:3] for d in diagnostics} <= {"NF3", "NF4"}, diagnostics
        return
    network = nfc.load(Source("drawn.nf", text)).network
    Case(network.ir, trained_like(network.ir, seed)).check(seed)


def assert_diagnosed(text: str) -> None:
    for diagnostic in diagnostics_of(text):
        assert re.fullmatch(r"NF\d{3}", diagnostic.code)
        span = diagnostic.span
        assert span is None or 0 <= span.start <= span.end <= len(span.source.text)


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_random_text_gives_diagnostics(text: str) -> None:
    assert_diagnosed(text)


WORDS = st.sampled_from(
    """nf 1 network x { } input linear 4 via dense ( ) [ ] , : = == + >> .. ..< ; repeat sum concat residual
    topology mask let param use check each as "text" 3.5 5% 2k in for if not or and xor ~ & | - * / // ** true
    head: relu butterfly(radix=2) random(fan_in=3) [o,i] rows cols norm batch init balanced""".split()
)


@settings(max_examples=300)
@given(st.lists(st.one_of(WORDS, st.just("\n")), max_size=60))
def test_random_words_give_diagnostics(words: list[str]) -> None:
    assert_diagnosed("nf 1\n" + " ".join(words))


@settings(max_examples=150)
@given(programs(), st.data())
def test_damaged_programs_give_diagnostics(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    word = data.draw(st.one_of(WORDS, st.just("")))
    assert_diagnosed(text[:start] + word + text[end:])
