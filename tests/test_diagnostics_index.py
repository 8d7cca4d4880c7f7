"""docs/diagnostics.md lists every code with the title of its page."""

from __future__ import annotations

from nfc.codes import codes, title
from tests.documents import ROOT


def test_the_index_is_complete() -> None:
    rows = [f"| `{code}` | {title(code)} |" for code in codes()]
    text = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `NF")] == rows
