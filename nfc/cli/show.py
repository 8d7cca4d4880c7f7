"""`nfc show`: layers, factors and totals."""

from __future__ import annotations

import click

from nfc.cli.options import output_options, program_options, seed_option
from nfc.cli.output import Output
from nfc.cli.programs import Opening, require_network
from nfc.diagnostics import Sink


@click.command()
@click.argument("file")
@seed_option("Seed of the weights; nothing that is shown depends on it.")
@program_options
@output_options
def show(file: str, seed: int, opening: Opening, network: str | None, output: Output) -> int:
    """Show the layers of FILE's networks: shape, topology, edges, degrees, initialisation, kernel."""
    from nfc.cli.summary import network_record
    from nfc.render.networks import render_networks

    sink = Sink()
    program = opening.open(file, sink)
    networks = []
    if program is not None:
        networks = [require_network(program, network, file)] if network else list(program.networks.values())
    for each in networks:
        for warning in each.diagnostics:
            sink.add(warning)
    records = [network_record(each) for each in networks]
    text = "" if output.format == "json" else render_networks(records, output.columns, color=output.coloured)
    output.result({"networks": records}, text, sink.diagnostics)
    return 1 if sink.failed else 0
