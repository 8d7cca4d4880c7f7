"""Tables without lines, as `rich` lays them out, under a bold title."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Literal

Justify = Literal["left", "right"]
Column = tuple[str, Justify]
"""A heading, and the side to which its cells are justified."""


def table_lines(
    title: str, headings: Sequence[Column], rows: Iterable[Sequence[str]], columns: int, *, color: bool
) -> list[str]:
    """The lines of a table, folded to `columns` columns of text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title, "bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for heading, justify in headings:
        table.add_column(heading, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    stream = io.StringIO()
    console = Console(
        file=stream, width=columns, force_terminal=color, color_system="standard" if color else None
    )
    console.print(table)
    return [line.rstrip() for line in stream.getvalue().splitlines()]
