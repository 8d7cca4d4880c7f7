"""`nfc show`: layers, factors and totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from nfc.cli.completion import complete_file
from nfc.cli.options import count, output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.plotting import refuse_undrawable
from nfc.cli.programs import Opening, require_network
from nfc.defaults import BATCH
from nfc.diagnostics import Sink
from nfc.render.visible import visible

if TYPE_CHECKING:
    from nfc.api import Network

RUNTIMES = {"torch": "torch", "onnx": "onnxruntime"}
"""The runtime whose prices a target is judged by."""


@click.command()
@click.argument("file", shell_complete=complete_file)
@seed_option("Seed of the weights; nothing that is shown depends on it.")
@click.option(
    "--target",
    type=click.Choice(list(RUNTIMES)),
    default="torch",
    show_default=True,
    help="What the kernels are chosen for.",
)
@click.option(
    "--batch",
    type=count,
    default=str(BATCH),
    show_default=True,
    metavar="N",
    help="Samples that run at once, for kernels and the predicted speed-up.",
)
@click.option(
    "--init", is_flag=True, help="Also show signals and gradients at initialisation, layer by layer."
)
@click.option("--plot", metavar="PATH", help="Draw each factor's matrix: .svg, .png or .html.")
@program_options
@output_options
def show(
    file: str,
    seed: int,
    target: str,
    batch: int,
    init: bool,
    plot: str | None,
    opening: Opening,
    network: str | None,
    output: Output,
) -> int:
    """Show the layers of FILE's networks: shape, topology, edges, degrees, initialisation, kernel, speed.

    The speed-up over a dense layer is predicted, for one thread of the machine that the cost model
    was calibrated on.
    """
    from nfc.cli.summary import network_record
    from nfc.lowering.target import Target
    from nfc.render.networks import render_networks

    refuse_undrawable(plot)
    sink = Sink()
    program = opening.open(file, sink)
    networks = []
    if program is not None:
        networks = [require_network(program, network, file)] if network else list(program.networks.values())
    for each in networks:
        for warning in each.diagnostics:
            sink.add(warning)
    chosen = Target(runtime=RUNTIMES[target], batch=batch)
    records = [network_record(each, chosen, places=init) for each in networks]
    text = "" if output.format == "json" else render_networks(records, output.columns, color=output.coloured)
    if plot is not None and not sink.failed:
        text += f"\nwrote {draw(networks, plot)}"
    output.result({"networks": records}, text, sink.diagnostics)
    return 1 if sink.failed else 0


def draw(networks: Sequence[Network], path: str) -> str:
    """Write the picture of the networks' layers; the path, as visible text.

    Raises:
        NfcError: NF750, matplotlib is not installed, or the file cannot be written.
    """
    from nfc.atomic import write_bytes
    from nfc.cli.portraits import layer_pictures
    from nfc.render.portraits import draw_layers

    title = ", ".join(network.name for network in networks)
    write_bytes(path, draw_layers(title, layer_pictures(networks), path))
    return visible(path)
