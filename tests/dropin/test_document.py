"""The report that docs/drop_in.md shows is what its commands print, predicted speeds aside."""

from __future__ import annotations

import contextlib
import io
import re

from tests.documents import ROOT, blocks


def test_the_report_is_as_shown() -> None:
    printed, names = io.StringIO(), dict[str, object]()
    for block in blocks((ROOT / "docs" / "drop_in.md").read_text("utf-8")):
        if block.language == "text":
            assert without_speeds(printed.getvalue()) == without_speeds(block.text)
            return
        with contextlib.redirect_stdout(printed):
            exec(block.text, names)
    raise AssertionError("the document shows no report")


def without_speeds(text: str) -> list[list[str]]:
    return [re.sub(r"× [\d.]+", "×", line).split() for line in text.splitlines()]
