"""The table `[tool.nfc]` of `pyproject.toml`: defaults of the command line."""

from nfc.settings.model import COLORS, FORMATS, Settings
from nfc.settings.reading import find_settings, read_settings

__all__ = ["COLORS", "FORMATS", "Settings", "find_settings", "read_settings"]
