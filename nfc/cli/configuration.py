"""The settings of a command: read once, wherever its options need them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from nfc.diagnostics import NfcError

if TYPE_CHECKING:
    from nfc.settings import Settings

KEY = "nfc.settings"


class WrongSettings(click.UsageError):
    """The configuration is wrong; `diagnostics` says where."""

    def __init__(self, error: NfcError) -> None:
        self.diagnostics = error.diagnostics
        super().__init__("the configuration is wrong")


def current_settings() -> Settings:
    """What `[tool.nfc]` sets for the running command: of `--config`, else of the nearest `pyproject.toml`.

    Raises:
        WrongSettings: the file cannot be read or is wrong.
    """
    from nfc.settings import Settings, find_settings, read_settings

    context = click.get_current_context()
    settings: Settings | None = context.meta.get(KEY)
    if settings is None:
        config = context.params.get("config")
        try:
            if context.params.get("no_config"):
                settings = Settings()
            else:
                settings = find_settings(os.curdir) if config is None else read_settings(config)
        except NfcError as error:
            raise WrongSettings(error) from None
        context.meta[KEY] = settings
    return settings
