"""nfc's version: what emitted files carry and `nfc --version` prints."""

from __future__ import annotations

VERSION = "0.1.0"
