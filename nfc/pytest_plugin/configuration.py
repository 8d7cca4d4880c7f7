"""What the plugin is told: pytest's options, and `[tool.nfc]` of `pyproject.toml`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nfc.settings import Settings

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
DEFINITIONS: pytest.StashKey[Mapping[str, str]] = pytest.StashKey()


def settle(config: pytest.Config) -> None:
    """Read the options, whether `.nf` files are collected among them; a usage error where one is wrong."""
    config.stash[DEFINITIONS] = dict(map(_definition, config.option.nf_define))
    config.option.nfc = config.option.nfc or config.getini("nf") or "--nf" in _words(config)


def settings(config: pytest.Config) -> Settings:
    """`[tool.nfc]`, read once; a usage error where it is wrong."""
    from nfc.diagnostics import NfcError
    from nfc.settings import find_settings

    found = config.stash.get(SETTINGS, None)
    if found is None:
        try:
            found = find_settings(str(config.rootpath))
        except NfcError as error:
            raise pytest.UsageError(str(error)) from None
        config.stash[SETTINGS] = found
    return found


def definitions(config: pytest.Config) -> Mapping[str, object]:
    """What `--nf-define` and the settings say of parameters, for the files that have them."""
    given = config.stash[DEFINITIONS]
    return {**settings(config).define, **given}


def named(config: pytest.Config) -> set[Path]:
    """The files that arguments name themselves."""
    start = config.invocation_params.dir
    return {(start / argument.partition("::")[0]).resolve() for argument in config.args}


def _words(config: pytest.Config) -> list[str]:
    """The options as given, wherever pytest takes them from."""
    return [
        *map(str, config.invocation_params.args),
        *shlex.split(os.environ.get("PYTEST_ADDOPTS", "")),
        *config.getini("addopts"),
    ]


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and value.strip() and name.strip().isidentifier()):
        raise pytest.UsageError(f"--nf-define: expected NAME=VALUE, found `{text}`")
    return name.strip(), value.strip()
