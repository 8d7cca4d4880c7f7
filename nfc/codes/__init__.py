"""The catalogue of diagnostic codes: a page of Markdown each, in `pages/NFxxx.md`.

A page starts with `# NFxxx: title`, says what the code means, and shows a complete file that gives
it and the mended one. `nfc explain` prints it; the tests run it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def codes() -> tuple[str, ...]:
    """Every code that has a page, in order."""
    pages = files(__name__).joinpath("pages")
    if not pages.is_dir():
        return ()
    return tuple(sorted(entry.name[:-3] for entry in pages.iterdir() if entry.name.endswith(".md")))


def page(code: str) -> str:
    """The Markdown of a code's page.

    Raises:
        KeyError: no such code.
    """
    if code not in codes():
        raise KeyError(code)
    return files(__name__).joinpath("pages", f"{code}.md").read_text("utf-8")


def title(code: str) -> str:
    """What the code means, in a few words: the first line of its page.

    Raises:
        KeyError: no such code.
    """
    return page(code).partition("\n")[0].removeprefix(f"# {code}: ")
