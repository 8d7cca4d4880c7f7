from pathlib import Path

import pytest

from nfc.diagnostics import NfcError
from nfc.search.definitions import Definitions
from nfc.search.facts import facts
from nfc.search.measure import Effort
from nfc.search.results import Results, result_key
from nfc.search.subject import Subject

SCORES = {"score": 0.25, "controllability": 0.125}


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    results = Results.open(path)
    results.add("one", SCORES)
    results.add("two", None)
    assert Results.open(path).known == {"one": SCORES, "two": None}


def test_a_torn_last_line_is_dropped_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Results.open(path).add("one", SCORES)
    whole = path.read_bytes()
    for size in range(1, len(whole)):
        path.write_bytes(whole + whole[:size])
        results = Results.open(path)
        assert results.known == {"one": SCORES}
        assert path.read_bytes() == whole
    results.add("two", None)
    assert Results.open(path).known == {"one": SCORES, "two": None}


@pytest.mark.parametrize(
    "text", ["nf 1\n", "something", "{}\n", '{"key": "a", "scores": 3}\n', "[]\n", '{"a"', "\xff\n"]
)
def test_another_file_is_refused_and_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text(text, "latin-1")
    with pytest.raises(NfcError) as raised:
        Results.open(path)
    assert [each.code for each in raised.value.diagnostics] == ["NF756"]
    assert path.read_text("latin-1") == text


def test_a_folder_cannot_be_read_and_a_missing_one_not_written(tmp_path: Path) -> None:
    with pytest.raises(NfcError, match="NF702"):
        Results.open(tmp_path)
    with pytest.raises(NfcError, match="NF750"):
        Results.open(tmp_path / "no" / "file").add("one", None)


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
    expressions = ("butterfly(radix=4)", "butterfly(radices=[4, 4, 4, 4, 4])")
    first, second = (facts(Subject(each, 1024, 1024, Definitions.of())) for each in expressions)
    assert first is not None
    assert second is not None
    assert first.digest == second.digest
    assert first.family != second.family
    narrow = facts(Subject("butterfly(radix=4)", 64, 64, Definitions.of()))
    assert narrow is not None
    assert not narrow.family
