"""What all drawings share: that matplotlib is there, and files whose bytes follow from the drawing alone."""

from __future__ import annotations

import io
from html import escape
from importlib.util import find_spec
from typing import Any

from nfc.diagnostics import Diagnostic, NfcError

FORMATS = (".svg", ".png", ".html")

PAGE = """\
<!DOCTYPE html>
<meta charset="utf-8">
<title>{title}</title>
{drawing}
"""


def matplotlib_for(path: str) -> None:
    """Make sure that a file can be drawn.

    Raises:
        NfcError: NF750, matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        message = f"cannot write `{path}`: it is drawn by matplotlib, which is not installed"
        hint = "`pip install neurofabric[viz]` installs matplotlib"
        raise NfcError([Diagnostic("NF750", message, None, hints=(hint,))])


def encoded(figure: Any, suffix: str, title: str) -> bytes:
    """A figure as `.svg`, `.png` or `.html`; the same bytes for the same drawing: without dates."""
    stream = io.BytesIO()
    if suffix == ".png":
        figure.savefig(stream, format="png", dpi=150)
        return stream.getvalue()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    if suffix == ".svg":
        return stream.getvalue()
    drawing = stream.getvalue().decode()
    return PAGE.format(title=escape(title), drawing=drawing[drawing.index("<svg") :]).encode()
