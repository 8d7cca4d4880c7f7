import json
from pathlib import Path

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


def test_a_block_in_a_file_without_networks_is_not_passed_over() -> None:
    done = nfc(["check", "-"], "nf 1\ncheck nope { params < 1 }\n")
    assert done.code == 1
    assert "error[NF201]: this file defines no network `nope`" in done.err
    assert "0 of 1 assertions hold" in done.out


def test_a_block_about_a_network_of_a_used_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lib.nf").write_text("nf 1\nnetwork libnet { input 4; linear 3 }\n")
    (tmp_path / "root.nf").write_text('nf 1\nuse "lib.nf"\ncheck libnet { params == 15 }\n')
    done = nfc(["check", str(tmp_path / "root.nf"), "--format", "json"])
    (found,) = json.loads(done.out)["diagnostics"]
    assert (done.code, found["code"]) == (1, "NF201")
    assert "lib.nf" in found["message"]


def test_assertions_that_cannot_be_evaluated_count() -> None:
    text = "nf 1\nnetwork m { input 8; linear 8 }\ncheck m { connectd; params == 72 }\n"
    done = nfc(["check", "-"], text)
    assert done.code == 1
    assert "FAIL  connectd" in done.out
    assert "1 of 2 assertions hold" in done.out
    checks = json.loads(nfc(["check", "-", "--format", "json"], text).out)["checks"]
    assert [(each["ok"], each["measured"]) for each in checks] == [(False, None), (True, 72)]


def test_a_digest_can_be_copied_from_the_text() -> None:
    text = "nf 1\nnetwork m {{ input 8; linear 8 }}\ncheck m {{ linear1.digest == {} }}\n"
    shown = nfc(["check", "-"], text.format('"?"')).out.splitlines()[2].split()[-1]
    assert nfc(["check", "-"], text.format(shown)).code == 0


def test_values_of_several_properties_stand_without_quotes() -> None:
    text = "nf 1\nnetwork m { input 8; linear 8 }\ncheck m { depth < 3 and linear1.connected }\n"
    line = nfc(["check", "-"], text).out.splitlines()[2]
    assert line.endswith("  depth = 1, linear1.connected = true")


def test_each_shows_a_layer_that_the_assertion_only_starts_with() -> None:
    text = (
        "nf 1\nnetwork inner { input 8; max: linear 8 }\n"
        "network m { input 8; fan_in: inner }\ncheck m { each linear { fan_in.max == 8 } }\n"
    )
    assert "ok    fan_in.max: fan_in.max == 8" in nfc(["check", "-"], text).out
