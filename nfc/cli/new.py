"""`nfc new`: a first file to change."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from nfc.atomic import write_text
from nfc.cli.options import output_options
from nfc.cli.output import Output
from nfc.diagnostics import Diagnostic, NfcError

TEMPLATE = """\
nf 1

param width = 256  # can be overridden: nfc show {file} -D width=512

network {name} {{
    input 64
    linear width via random(fan_in=8)
    relu
    repeat 2 {{
        linear width via butterfly(radix=4)
        relu
    }}
    head: linear 10
}}

check {name} {{
    params <= 20k
    repeat1.linear1.connected as "every neuron should see every other"
    variance.forward in 0.5..2
}}
"""

NEXT = """\
wrote {file}; next:
  nfc check {file}
  nfc show {file}
  nfc compile {file} --to torch"""

RESERVED = frozenset("and or not xor in for if true false via as each".split())


@click.command()
@click.argument("name")
@output_options
def new(name: str, output: Output) -> int:
    """Write NAME.nf: a small network that works, with a check block. An existing file stays."""
    stem = name.removesuffix(".nf")
    if not (stem.isascii() and stem.isidentifier()) or stem in RESERVED or keyword.iskeyword(stem):
        raise click.BadParameter(f"expected a name such as `mixer`, found `{name}`", param_hint="NAME")
    if _is_taken(stem):
        raise click.BadParameter(f"`{stem}` has a meaning in the language already", param_hint="NAME")
    file = f"{stem}.nf"
    try:
        if Path(file).exists():
            hint = "another name can be chosen, or the file removed"
            raise NfcError(
                [Diagnostic("NF750", f"cannot write `{file}`: it exists already", None, hints=(hint,))]
            )
        write_text(file, TEMPLATE.format(name=stem, file=file))
    except NfcError as error:
        output.result({"ok": False, "file": None}, "", error.diagnostics)
        return 1
    output.result({"ok": True, "file": file}, NEXT.format(file=file), ())
    return 0


def _is_taken(name: str) -> bool:
    """Whether the language has a topology, a function or a constant of that name."""
    from nfc.sema.predefined import predefined_kind

    return predefined_kind(name) is not None or name == "width"
