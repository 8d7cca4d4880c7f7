"""What a shell offers for arguments; click prints the scripts that ask for it (`_NFC_COMPLETE=bash_source nfc`)."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A file, whose names the shell knows itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_code(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The diagnostic codes that begin so, each with its title."""
    from nfc.codes import codes, title

    return [CompletionItem(code, help=title(code)) for code in codes() if code.startswith(incomplete.upper())]
