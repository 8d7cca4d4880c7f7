"""Every test of the command line runs in an empty folder with a few files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import ROOT

GOOD = """nf 1
param width = 8
network good {
    input 4
    pad width
    linear width via butterfly
    head: linear 3
}
check good { params <= 200; head.connected }
"""

WRONG = """nf 1
network wrong {
    input 4
    linear 3 via butterflie
}
"""

FAILING = """nf 1
network failing {
    input 4
    head: linear 3
}
check failing {
    params <= 10 as "it has to fit"
    head.connected
}
"""

WARNING = """nf 1
network warned {
    input 9
    linear 4 via diagonal
}
"""

SEVERAL = """nf 1
network one { input 4; linear 3 }
network two { input 4; linear 2 }
check one { params == 15 }
check two { params == 10 }
"""

UNSTRUCTURED = """nf 1
network scattered {
    input 40
    linear 40 via bernoulli(density=10%, seed=1) + diagonal
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    texts = {
        "good": GOOD,
        "wrong": WRONG,
        "failing": FAILING,
        "warning": WARNING,
        "several": SEVERAL,
        "unstructured": UNSTRUCTURED,
        "empty": "nf 1\n",
        "mnist": (ROOT / "examples" / "mnist.nf").read_text("utf-8"),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.nf").write_text(text, "utf-8")
    return tmp_path
