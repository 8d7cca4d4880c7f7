"""`nfc explain`: a diagnostic's page."""

from __future__ import annotations

import click

from nfc.cli.completion import complete_code
from nfc.cli.options import document_options
from nfc.cli.output import Output
from nfc.codes import codes, page, title
from nfc.diagnostics import did_you_mean


@click.command()
@click.argument("code", required=False, shell_complete=complete_code)
@document_options
def explain(code: str | None, output: Output) -> int:
    """Print the page of a diagnostic's CODE, or without one the list of codes."""
    if code is None:
        listing = [{"code": each, "title": title(each)} for each in codes()]
        output.result({"codes": listing}, "\n".join(f"{each['code']}  {each['title']}" for each in listing))
        return 0
    name = code.upper()
    if name not in codes():
        hint = " ".join(did_you_mean(name, codes())) or "`nfc explain` lists the codes."
        raise click.BadParameter(f"no code `{code}`; {hint}", param_hint="CODE")
    output.result({"code": name, "title": title(name), "page": page(name)}, page(name).rstrip("\n"))
    return 0
