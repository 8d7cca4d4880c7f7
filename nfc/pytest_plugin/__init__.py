"""pytest collects `.nf` files: one item an assertion of their check blocks, failures as `nfc check` shows them.

Opt in by `--nfc` or `--nf`, or by `nf = true` in pytest's configuration. `[tool.nfc]` of `pyproject.toml`
counts as it does for `nfc check`. Nothing but pytest is imported until a `.nf` file is met.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nfc.pytest_plugin.collection import SpecFile
from nfc.pytest_plugin.configuration import named, settings, settle

SUFFIX = ".nf"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("nfc", "nfc: topology checks")
    # pytest's cache has an option `--nf` of its own, short for `--new-first`: then both are meant.
    names = ("--nfc",) if pluginmanager.hasplugin("cacheprovider") else ("--nfc", "--nf")
    group.addoption(
        *names,
        action="store_true",
        dest="nfc",
        help="collect .nf files, an item for each assertion; --nf too",
    )
    group.addoption(
        "--nf-define",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="override a parameter of the .nf files that have it; repeatable",
    )
    parser.addini("nf", "collect .nf files, as --nfc does", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Settle the options before anything is collected, and before pytest-xdist hands them on."""
    settle(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != SUFFIX or not parent.config.option.nfc:
        return None
    if file_path not in named(parent.config) and settings(parent.config).excludes(str(file_path)):
        return None
    return SpecFile.from_parent(parent, path=file_path)
