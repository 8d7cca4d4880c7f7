"""Check blocks: assertions about networks, evaluated on their properties (LANGUAGE, section 6)."""

from nfc.checks.result import Measured, Result
from nfc.checks.run import run

__all__ = ["Measured", "Result", "run"]
