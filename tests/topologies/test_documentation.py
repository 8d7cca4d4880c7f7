"""docs/topologies.md tells of every family and of every argument."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nfc.topologies import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "topologies.md").read_text("utf-8")
SECTIONS = {title: title + body for title, body in re.findall(r"^### `(\w+)(.*?)(?=^##)", PAGE, re.S | re.M)}


def test_every_family_has_a_section_and_no_other() -> None:
    assert set(SECTIONS) == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_section_names_the_arguments(name: str) -> None:
    heading = SECTIONS[name].partition("\n")[0]
    for parameter in FAMILIES[name].parameters:
        assert re.search(rf"\b{parameter.name}\b", heading), parameter.name
