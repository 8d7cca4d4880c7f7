"""`nfc compile`: a network as a PyTorch module or an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nfc.cli.options import limit_options, output_options, program_options
from nfc.cli.output import Output
from nfc.diagnostics import NfcError, Sink
from nfc.limits import Limits

if TYPE_CHECKING:
    from nfc.api import Network

ONNX_ONLY = {"weights": "--weights", "sparse": "--sparse", "dtype": "--dtype", "opset": "--opset"}
"""Options that say how numbers are stored; a torch module stores none."""

Files = dict[Path, bytes]


@click.command()
@click.argument("file")
@click.option("--to", "target", type=click.Choice(["torch", "onnx"]), required=True, help="What is written.")
@click.option("-o", "path", metavar="PATH", help="Where; by default `<network>.py` or `.onnx` here.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="[onnx] Seed of initial weights; default 0. A torch module takes its seed when it is built.")
@click.option("--weights", metavar="FILE", help="[onnx] Trained weights: .safetensors or .pt.")
@click.option("--sparse", metavar="FORM", help="[onnx] How unstructured weights are stored: delta (default), constant, initializer, dense.")
@click.option("--dtype", metavar="TYPE", help="[onnx] What weights are stored in: float32 (default), float16.")
@click.option("--opset", type=int, metavar="N", help="[onnx] Operator set; default 18.")
@click.option("--check", "checked", is_flag=True, help="Run the check blocks first and write nothing if one fails.")
@click.option("--no-fuse", is_flag=True, help="Keep factors apart. Nothing is fused yet, so this changes nothing.")
@program_options
@limit_options
@output_options
def compile(
    file: str,
    target: str,
    path: str | None,
    checked: bool,
    no_fuse: bool,
    defines: tuple[tuple[str, str], ...],
    network: str | None,
    limits: Limits,
    output: Output,
    **options: str | int | None,
) -> int:
    """Compile a network of FILE to one file that stands alone."""
