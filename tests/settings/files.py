"""Configurations that are wrong."""

from __future__ import annotations

from pathlib import Path

WRONG = {
    "broken": "[tool.nfc]\nformat = \n",
    "unknown": '[tool.nfc]\nfromat = "json"\n',
    "values": '[tool.nfc]\nformat = "jsno"\nignore = ["NF421", "NF4211"]\n',
}


def write_wrong_settings(folder: Path) -> None:
    for name, text in WRONG.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
