"""`-D NAME=VALUE`, and keywords in Python."""

from __future__ import annotations

import pytest

from nfc.sema.values import Value
from tests.sema.programs import analyse, sound

TEXT = 'nf 1\nparam n = 4\nparam p = 0.5\nparam yes = true\nparam mode = "a"\nparam sizes = [1, 2]\nlet twice = 2 * n\n'


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("n", "7", 7),
        ("n", "4*256", 1024),
        ("n", "2k", 2000),
        ("n", "log2(8)", 3),
        ("n", 7, 7),
        ("p", "25%", 0.25),
        ("p", "1", 1),
        ("p", 2, 2),
        ("yes", "false", False),
        ("yes", False, False),
        ("mode", "b", "b"),
        ("mode", '"b"', "b"),
        ("mode", "12", "12"),
        ("sizes", "[3, 4]", (3, 4)),
        ("sizes", (5,), (5,)),
    ],
)
def test_values(name: str, given: str | Value, value: Value) -> None:
    found = sound(TEXT, overrides={name: given}).constants
    assert found[name] == value
    assert type(found[name]) is type(value)


def test_constants_follow() -> None:
    assert sound(TEXT, overrides={"n": "10"}).constants["twice"] == 20


@pytest.mark.parametrize(
    ("name", "given", "code", "words"),
    [
        ("m", "7", "NF208", ["`m`", "`n`"]),
        ("yess", "true", "NF208", ["did you mean `yes`"]),
        ("twice", "7", "NF208", ["`let`", "param twice"]),
        ("n", "7.5", "NF208", ["an integer", "a float"]),
        ("n", "true", "NF208", ["an integer", "a boolean"]),
        ("n", "twice", "NF208", ["`twice`"]),
        ("yes", "1", "NF208", ["a boolean", "an integer"]),
        ("mode", 3, "NF208", ["a string"]),
        ("n", "1 / 0", "NF211", ["zero"]),
        ("n", "2**10**9", "NF711", ["bits"]),
        ("n", "1 +", "NF1", []),
        ("p", float("nan"), "NF208", ["finite", "nan"]),
        ("p", float("inf"), "NF208", ["finite", "inf"]),
        ("sizes", (1, (float("nan"),)), "NF208", ["finite"]),
        ("n", 2**5000, "NF711", ["4096 bits"]),
        ("sizes", (1, 2**5000), "NF711", ["4096 bits"]),
    ],
)
def test_errors(name: str, given: str | Value, code: str, words: list[str]) -> None:
    program, (found,) = analyse(TEXT, overrides={name: given})
    assert found.code.startswith(code)
    for word in words:
        assert word in " ".join([found.message, *found.hints])
    assert program.constants.get("twice", 8) == 8
