"""`nfc show` on networks with embeddings, positions and attention."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from tests.cli.schemas import SCHEMAS
from tests.documents import nfc

TEXT = "nf 1\nnetwork n { input 6; embed 9 8; position 8; attention 2 via monarch; linear 9 }\n"


def test_the_json_document(tmp_path: Path) -> None:
    file = tmp_path / "n.nf"
    file.write_text(TEXT, "utf-8")
    document = json.loads(nfc(["show", str(file), "--format", "json", "--init"]).out)
    jsonschema.validate(document, SCHEMAS["show"])
    (network,) = document["networks"]
    assert [(layer["name"], layer["op"]) for layer in network["layers"]] == [
        *((f"attention1.{label}", "attention") for label in "qkvo"),
        ("linear1", "linear"),
    ]
    assert all(layer["kernel"] for layer in network["layers"])
    assert network["tables"] == [
        {"name": "embed1", "op": "embed", "rows": 9, "cols": 8, "params": 72, "std": 1.0},
        {"name": "position1", "op": "position", "rows": 6, "cols": 8, "params": 48, "std": 0.1},
    ]
    assert [place["op"] for place in network["profile"]] == [
        "embed",
        "position",
        *["attention"] * 4,
        "linear",
    ]


def test_the_table(tmp_path: Path) -> None:
    file = tmp_path / "n.nf"
    file.write_text(TEXT, "utf-8")
    shown = nfc(["show", str(file)]).out
    assert "embed1: embed 9 × 8, 72 parameters, ±1" in shown
    assert "attention1.o" in shown
