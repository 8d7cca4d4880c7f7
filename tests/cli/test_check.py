import json

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.documents import nfc


@pytest.mark.parametrize("name", ["good", "failing", "wrong", "warning", "several", "empty"])
def test_text(name: str, snapshot: SnapshotAssertion) -> None:
    done = nfc(["check", f"{name}.nf"])
    assert (done.code, done.out, done.err) == snapshot


def test_every_assertion_is_measured() -> None:
    checks = json.loads(nfc(["check", "failing.nf", "--format", "json"]).out)["checks"]
    assert [(each["assertion"], each["ok"], each["measured"], each["line"]) for each in checks] == [
        ("params <= 10", False, 15, 7),
        ("head.connected", True, True, 8),
    ]


def test_a_failed_assertion_is_a_diagnostic_at_its_line() -> None:
    (found,) = json.loads(nfc(["check", "failing.nf", "--format", "json"]).out)["diagnostics"]
    assert found["code"].startswith("NF5")
    assert (found["line"], found["column"]) == (7, 5)
    assert "it has to fit" in found["message"]


def test_network_chooses_the_blocks() -> None:
    checks = json.loads(nfc(["check", "several.nf", "--network", "two", "--format", "json"]).out)["checks"]
    assert [each["network"] for each in checks] == ["two"]


def test_a_parameter_is_overridden() -> None:
    done = nfc(["check", "good.nf", "-D", "width=4", "-D", "width = 16", "--format", "json"])
    assert json.loads(done.out)["checks"][0]["measured"] == 16 * 2 * 4 + 16 + 16 * 3 + 3


def test_a_parameter_may_have_any_name() -> None:
    text = "nf 1\nparam limits = 3\nnetwork n { input limits; linear limits }\ncheck n { params == 30 }"
    assert nfc(["check", "-", "-D", "limits=5"], text).code == 0
