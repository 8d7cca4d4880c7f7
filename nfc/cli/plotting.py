"""The option `--plot`, which several verbs have."""

from __future__ import annotations

import os

import click

from nfc.render.drawing import FORMATS


def refuse_undrawable(plot: str | None) -> None:
    """Raises click's error where the name of a picture has no ending of a format that is drawn."""
    if plot is not None and os.path.splitext(plot)[1] not in FORMATS:  # noqa: PTH122
        raise click.BadParameter(f"expected a name in {', '.join(FORMATS)}", param_hint="--plot")
