import json
from pathlib import Path

import pytest

from nfc.diagnostics import NfcError, Severity, Sink
from nfc.score.score import combined
from nfc.search.definitions import Definitions
from nfc.search.facts import facts
from nfc.search.measure import Effort
from nfc.search.results import Results, result_key
from nfc.search.subject import Subject
from nfc.version import VERSION

SCORES = {"score": combined(-0.5, 0.125), "controllability": 0.125, "stderr": 0.0, "trainability": -0.5}
ONE, TWO = (result_key(name, "", Effort(1, 0)) for name in ("one", "two"))


def line(version: object = VERSION, key: object = ONE, scores: object = SCORES, **more: object) -> str:
    return json.dumps({"version": version, "key": key, "scores": scores, **more}) + "\n"


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    results = Results.open(path)
    results.add(ONE, SCORES)
    results.add(TWO, None)
    assert Results.open(path).known == {ONE: SCORES, TWO: None}


def test_a_torn_last_line_is_dropped_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Results.open(path).add(ONE, SCORES)
    whole = path.read_bytes()
    for size in range(1, len(whole)):
        path.write_bytes(whole + whole[:size])
        results = Results.open(path)
        assert results.known == {ONE: SCORES}
        assert path.read_bytes() == whole
    results.add(TWO, None)
    assert Results.open(path).known == {ONE: SCORES, TWO: None}


@pytest.mark.parametrize(
    "text",
    [
        "nf 1\n",
        "something",
        "{}\n",
        "[]\n",
        '{"a"',
        "\xff\n",
        "[" * 20_000 + "\n",
        '{"key": "a", "scores": 3}\n',
        line(scores=3),
        line(scores={"score": float("nan")}),
        line(scores={"score": float("inf")}),
        line(scores={"score": 1.5}),
        line(scores={"score": "1"}),
        line(scores={"score": True}),
        line(scores={**SCORES, "stderr": -0.1}),
        line(scores={**SCORES, "score": 0.5}),  # not the mixture of the two beside it
        line(scores={**SCORES, "trainability": -1.0}),
        line(scores={"score": 0.5, "controllability": 0.5}),
        line(scores={}),
        line(key="a"),
        line(key=3),
        line(version=None),
        line(more=1),
        line() + "\n",
    ],
)
def test_another_file_is_refused_and_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text(text, "latin-1")
    with pytest.raises(NfcError) as raised:
        Results.open(path)
    assert [each.code for each in raised.value.diagnostics] == ["NF756"]
    assert path.read_text("latin-1") == text


def test_scores_of_another_effort_than_their_key_s_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(line() + line(key=TWO, scores={"score": 0.5}))
    results = Results.open(path)
    assert results.holds(ONE, Effort(1, 0))
    assert results.holds(TWO, Effort(1, 0, 100))
    assert not results.holds("0" * 64, Effort(1, 0))
    for key, effort in ((ONE, Effort(1, 0, 100)), (TWO, Effort(1, 0))):
        with pytest.raises(NfcError, match="NF756"):
            results.holds(key, effort)


def test_results_of_another_version_stay_unused_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(line(version="0.0.1") + line(version="0.0.1", key=TWO) + line())
    results = Results.open(path)
    assert results.known == {ONE: SCORES}
    sink = Sink()
    results.note_others(sink)
    ((code, severity, message),) = [(each.code, each.severity, each.message) for each in sink.diagnostics]
    assert (code, severity) == ("NF756", Severity.WARNING)
    assert "2 of nfc 0.0.1" in message
    results.add(TWO, None)
    assert Results.open(path).known == {ONE: SCORES, TWO: None}


def test_a_folder_cannot_be_read_and_a_missing_one_not_written(tmp_path: Path) -> None:
    with pytest.raises(NfcError, match="NF702"):
        Results.open(tmp_path)
    with pytest.raises(NfcError, match="NF750"):
        Results.open(tmp_path / "no" / "file").add(ONE, None)


def test_keys_differ_where_results_may() -> None:
    efforts = [Effort(1, 0), Effort(3, 0), Effort(1, 1), Effort(1, 0, 100)]
    keys = {
        result_key(digest, family, effort)
        for digest in ("a", "b")
        for family in ("", "c")
        for effort in efforts
    }
    assert len(keys) == 16


def test_equal_edges_of_families_that_differ_at_other_widths_have_results_of_their_own() -> None:
    """A wide topology's controllability is foretold from its family at smaller widths."""
    expressions = ("butterfly(radix=4)", "butterfly(radices=[4, 4, 4, 4, 4, 4])")
    first, second = (facts(Subject(each, 4096, 4096, Definitions.of())) for each in expressions)
    assert first is not None
    assert second is not None
    assert first.digest == second.digest
    assert first.family != second.family
    narrow = facts(Subject("butterfly(radix=4)", 64, 64, Definitions.of()))
    assert narrow is not None
    assert not narrow.family
