"""`nfc compile`: a network as a PyTorch module or an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nfc.cli.completion import complete_file
from nfc.cli.options import count, output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening, only_network, require_network
from nfc.cli.progress import progress
from nfc.defaults import BATCH
from nfc.diagnostics import NfcError, Sink
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network, Program
    from nfc.atomic import Chunk
    from nfc.backends.torch_source import TorchSource

Files = dict[Path, tuple["Chunk", ...]]


@click.command()
@click.argument("file", shell_complete=complete_file)
@click.option("--to", "target", type=click.Choice(["torch", "onnx"]), required=True, help="What is written.")
@click.option("-o", "path", metavar="PATH", help="Where; by default `<network>.py` or `<network>.onnx` here.")
@seed_option("Seed of the initial weights, default 0; in a torch module the default of its `seed`.")
@click.option(
    "--weights", metavar="FILE", help="Trained weights for ONNX: .safetensors, .pt, or .onnx of nfc."
)
@click.option(
    "--sparse",
    type=click.Choice(["delta", "constant", "initializer", "dense"]),
    help="Keep matrices without structure whole in ONNX, stored so; default: delta, where they are whole.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    help="What ONNX stores weights in, default float32.",
)
@click.option("--opset", type=int, metavar="N", help="ONNX operator set, default 18.")
@click.option(
    "--check", "checked", is_flag=True, help="Run the check blocks first; a failure writes nothing."
)
@click.option(
    "--batch",
    type=count,
    default=str(BATCH),
    show_default=True,
    metavar="N",
    help="Samples at a time that kernels are chosen for; every number works.",
)
@click.option("--no-fuse", is_flag=True, help="Keep the factors of cascades apart.")
@program_options
@output_options
def compile(
    file: str,
    target: str,
    path: str | None,
    seed: int,
    weights: str | None,
    checked: bool,
    batch: int,
    no_fuse: bool,
    opening: Opening,
    network: str | None,
    output: Output,
    **given: str | int | None,
) -> int:
    """Compile a network of FILE into a program that stands alone."""
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if target == "torch":
        _refuse_for_torch(options if weights is None else ["weights", *options])
    if path is not None:
        _check_path(path, file)
    sink = Sink()
    chosen = _choose(opening.open(file, sink), network, file, sink, checked=checked)
    files: Files = {}
    if chosen is not None:
        try:
            with progress(f"compiling {visible(chosen.name)}"):
                lowering: dict[str, Any] = {"batch": batch, "fuse": not no_fuse}
                if target == "torch":
                    files = _torch_files(chosen.torch_source(seed, **lowering), path)
                else:
                    chunks = chosen.onnx_chunks(weights, seed=seed, sink=sink, **lowering, **options)
                    files = {Path(path or f"{chosen.name}.onnx"): chunks}
            _write(files)
        except NfcError as error:
            files = {}
            for diagnostic in error.diagnostics:
                sink.add(diagnostic)
    text = _account(chosen, files) if chosen and files else ""
    output.result({"ok": not sink.failed, **_facts(chosen, files)}, text, sink.diagnostics)
    return 1 if sink.failed else 0


def _choose(
    program: Program | None, name: str | None, file: str, sink: Sink, *, checked: bool
) -> Network | None:
    """The network to compile; None where the file has errors or, if it is `checked`, a check fails."""
    if program is None:
        return None
    network = require_network(program, name, file) if name else only_network(program, file)
    findings = [*network.diagnostics, *(program.check(network.name).diagnostics if checked else ())]
    for diagnostic in findings:
        sink.add(diagnostic)
    return None if sink.failed else network


def _check_path(path: str, file: str) -> None:
    if path == "-":
        raise click.BadParameter("a file is written, not standard output; `./-` is a file", param_hint="-o")
    if file != "-" and os.path.realpath(path) == os.path.realpath(file):
        raise click.BadParameter(f"`{path}` is the file that is compiled", param_hint="-o")


def _refuse_for_torch(options: Iterable[str]) -> None:
    if options:
        flags = " and ".join(f"--{name}" for name in options)
        raise click.UsageError(
            f"{flags} goes with --to onnx: a torch module holds no weights; load_state_dict gives it some"
        )


def _torch_files(source: TorchSource, path: str | None) -> Files:
    """The module, and beside it the index file if it needs one."""
    module = Path(path or f"{source.stem}.py")
    tables = source.index_bytes
    if tables is None:
        return {module: (source.text.encode(),)}
    index = module.with_name(source.index_name)
    if os.path.realpath(index) == os.path.realpath(module):
        message = f"`{module}` is the name of the index file that lies beside the module"
        raise click.BadParameter(message, param_hint="-o")
    return {module: (source.text.encode(),), index: (tables,)}


def _write(files: Files) -> None:
    """Write all files or none: what was written before one fails is put back as it was."""
    from nfc.atomic import write_bytes, write_chunks

    before = {path: path.read_bytes() if path.is_file() else None for path in files if len(files) > 1}
    done: list[Path] = []
    try:
        for path, chunks in files.items():
            write_chunks(path, chunks)
            done.append(path)
    except NfcError:
        for path in done:
            kept = before[path]
            path.unlink() if kept is None else write_bytes(path, kept)
        raise


def _facts(network: Network | None, files: Files) -> dict[str, object]:
    from nfc.analysis.totals import dense_parameters

    if network is None or not files:
        return {"network": None, "files": []}
    return {
        "network": network.name,
        "files": [{"path": str(path), "bytes": _size(chunks)} for path, chunks in files.items()],
        "params": network.params,
        "dense_params": dense_parameters(network.ir),
        "digest": network.digest,
    }


def _account(network: Network, files: Files) -> str:
    """What was written, and how large the network is beside its dense twin."""
    from nfc.analysis.totals import dense_parameters

    dense = dense_parameters(network.ir)
    share = f", {network.params / dense:.1%} of the dense twin's {dense:,}" if dense else ""
    written = [f"wrote {visible(str(path))} ({_size(chunks):,} bytes)" for path, chunks in files.items()]
    return "\n".join([*written, f"{network.params:,} parameters{share}"])


def _size(chunks: tuple[Chunk, ...]) -> int:
    """Bytes of a file given in pieces."""
    return sum(map(len, chunks))
