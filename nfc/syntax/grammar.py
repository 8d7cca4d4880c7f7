"""The parser's tables, made from `grammar/nf.lark` once and kept in the user's cache folder."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lark import Lark
from lark import __version__ as lark_version

from nfc.syntax.layout import LayoutFilter


@cache
def parser() -> Lark:
    """The LALR parser. A cache that cannot be read is made anew; one that cannot be written is not kept."""
    text = grammar_text()
    cached = _cache_file()
    if cached is None:
        return _make(text, cache=False)
    try:
        return _make(text, cache=str(cached))
    except OSError:
        return _make(text, cache=False)


def grammar_text() -> str:
    """The grammar as installed, or that of the checkout when the package runs from one."""
    installed: Traversable = files("nfc") / "grammar" / "nf.lark"
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    return Path(str(files("nfc"))).parent.joinpath("grammar", "nf.lark").read_text(encoding="utf-8")


def _make(text: str, *, cache: bool | str) -> Lark:
    return Lark(
        text,
        parser="lalr",
        lexer="contextual",
        start=["file", "alone"],
        postlex=LayoutFilter(),
        maybe_placeholders=True,
        cache=cache,
    )


def _cache_file() -> Path | None:
    """`nfc/grammar-….pickle` in the user's cache folder, made if need be; None where that is impossible.

    The folder is the user's own: the tables are a pickle, which nobody else may write.
    """
    from nfc.version import VERSION

    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    try:
        folder = _cache_folder() / "nfc"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder / f"grammar-{VERSION}-lark{lark_version}-py{python}.pickle"


def _cache_folder() -> Path:
    """Raises RuntimeError where the user has no home."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
