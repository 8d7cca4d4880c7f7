"""The corpus of syntactic mistakes, `mistakes.md`: a heading and a block of text each."""

from __future__ import annotations

import re
from pathlib import Path

_CASE = re.compile(r"^## ([^\n]+)\n\n```nf\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CASES: dict[str, str] = dict(_CASE.findall((Path(__file__).parent / "mistakes.md").read_text("utf-8")))
