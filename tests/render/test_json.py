import json
import math

from syrupy.assertion import SnapshotAssertion

from nfc.diagnostics import Diagnostic
from nfc.render.json import diagnostic_records, render_json
from tests.render.fixtures import FIXTURES


def test_json(snapshot: SnapshotAssertion) -> None:
    assert render_json({"diagnostics": diagnostic_records(FIXTURES.values())}) == snapshot


def test_numbers_that_json_lacks_become_null() -> None:
    document = json.loads(render_json({"a": math.inf, "b": [math.nan, 1.5], "c": {"d": -math.inf}}))
    assert document == {"version": 1, "a": None, "b": [None, 1.5], "c": {"d": None}}


def test_integers_are_exact_up_to_the_language_s_limit() -> None:
    document = json.loads(render_json({"a": 2**4096 - 1, "b": 2**4096, "c": True, "d": -(2**70)}))
    assert document == {"version": 1, "a": 2**4096 - 1, "b": None, "c": True, "d": -(2**70)}


def test_any_text_survives() -> None:
    text = "\x1b\u202e×\ud800漢\U0001f600"
    rendered = render_json({"text": text})
    assert rendered.isascii()
    assert json.loads(rendered)["text"] == text


def test_a_file_is_named_without_a_place_in_it() -> None:
    (record,) = diagnostic_records([Diagnostic("NF702", "cannot read `x.nf`", None, file="x.nf")])
    assert record["file"] == "x.nf"
    assert record["line"] is None
