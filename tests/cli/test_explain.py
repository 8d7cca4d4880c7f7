import json

import pytest

from nfc.codes import codes, page, title
from tests.documents import nfc


@pytest.mark.parametrize("code", codes())
def test_the_page_is_printed(code: str) -> None:
    assert nfc(["explain", code]).out.rstrip("\n") == page(code).rstrip("\n")


def test_without_a_code_all_are_listed() -> None:
    assert nfc(["explain"]).out.splitlines() == [f"{code}  {title(code)}" for code in codes()]


def test_an_unknown_code_gets_a_suggestion() -> None:
    assert "NF501" in nfc(["explain", "NF5O1"]).err


def test_json() -> None:
    document = json.loads(nfc(["explain", "nf501", "--format", "json"]).out)
    assert document == {"version": 1, "code": "NF501", "title": title("NF501"), "page": page("NF501")}
