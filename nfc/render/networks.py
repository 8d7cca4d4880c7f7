"""The records of `nfc show` as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nfc.render.profiles import initial, profile_lines
from nfc.render.tables import Column, table_lines
from nfc.render.visible import visible

Records = Sequence[dict[str, Any]]

COLUMNS: tuple[Column, ...] = (
    ("layer", "left"),
    ("shape", "right"),
    ("topology", "left"),
    ("factors", "right"),
    ("edges", "right"),
    ("density", "right"),
    ("fan-in", "right"),
    ("fan-out", "right"),
    ("init", "left"),
    ("kernel", "left"),
    ("speed-up", "right"),
)

SLOWER = 0.95
"""Predicted speed-ups below this are said to be losses; nearer to 1 the prediction cannot tell."""


def render_networks(networks: Records, columns: int, *, color: bool = False) -> str:
    """Each network's layers in a table with its totals under it, without a newline at the end."""
    return "\n\n".join(_network(network, columns, color=color) for network in networks)


def _network(network: dict[str, Any], columns: int, *, color: bool) -> str:
    title = f"{visible(network['name'])}: {network['input']} → {network['output']}"
    lines = table_lines(title, COLUMNS, map(_cells, network["layers"]), columns, color=color)
    notes = [f"  {note}" for note in _notes(network)]
    return "\n".join([*lines, *notes, _totals(network), *profile_lines(network, columns, color=color)])


def _kernel(windows: dict[str, Any] | None) -> str:
    """The size of a convolution's kernel."""
    return "" if windows is None else f", {windows['kernel'][0]} × {windows['kernel'][1]}"


def _cells(layer: dict[str, Any]) -> tuple[str, ...]:
    init = layer["init"]
    return (
        visible(layer["name"]),
        f"{layer['cols']} → {layer['rows']}{_kernel(layer['windows'])}",
        visible(layer["topology"]),
        str(len(layer["factors"])),
        f"{layer['edges']:,}",
        f"{layer['density']:.2%}",
        _range(layer["fan_in"]),
        _range(layer["fan_out"]),
        initial(init),
        layer["kernel"],
        _times(layer["speedup"]),
    )


def _range(degrees: dict[str, Any]) -> str:
    """Degrees of a layer's neurons: `32`, or `3..8` where they differ."""
    low, high = degrees["min"], degrees["max"]
    return f"{low}" if low == high else f"{low}..{high}"


def _times(speedup: float) -> str:
    return f"{speedup:.0f} ×" if speedup >= 10 else f"{speedup:.1f} ×"


def _notes(network: dict[str, Any]) -> list[str]:
    tables = [
        f"{visible(table['name'])}: {table['op']} {table['rows']:,} × {table['cols']:,}, "
        f"{table['params']:,} parameters, ±{table['std']:.3g}"
        for table in network["tables"]
    ]
    recognised = [
        f"{visible(layer['name'])}: {visible(layer['topology'])} is recognised as {layer['recognised']}"
        for layer in network["layers"]
        if layer["recognised"] is not None
    ]
    fitted = [
        f"{visible(layer['name'])} is fitted: built at {layer['fitted']}, then cut and pruned"
        for layer in network["layers"]
        if layer["fitted"] is not None
    ]
    slower = [
        f"{visible(layer['name'])}: dense would be faster (predicted {_times(layer['speedup'])})"
        for layer in network["layers"]
        if layer["speedup"] < SLOWER
    ]
    return tables + recognised + fitted + slower


def _totals(network: dict[str, Any]) -> str:
    return (
        f"{network['params']:,} parameters, {network['edges']:,} edges, density {network['density']:.2%}, "
        f"depth {network['depth']}, {network['flops']:,} flops, {network['digest'][:19]}…"
    )
