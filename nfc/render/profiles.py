"""What `nfc show` says of signals at initialisation: one line, and with `--init` a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nfc.render.tables import Column, table_lines
from nfc.render.visible import visible

COLUMNS: tuple[Column, ...] = (
    ("behind", "left"),
    ("operation", "left"),
    ("second moment", "right"),
    ("of a neuron", "right"),
    ("gradient", "right"),
    ("correlation", "right"),
)

ALIKE = 0.999
"""Correlations above this are written as what they lack of 1."""


def profile_lines(network: dict[str, Any], columns: int, *, color: bool) -> Iterator[str]:
    """The totals at initialisation, and a table of the places where a profile has some."""
    variance = network["variance"]
    yield (
        f"at initialisation second moments × {variance['forward']:.3g} forward, "
        f"× {variance['backward']:.3g} backward, correlation {cosine(network['correlation'])}"
    )
    if network["profile"]:
        title = f"{visible(network['name'])} at initialisation"
        yield ""
        yield from table_lines(title, COLUMNS, map(_cells, network["profile"]), columns, color=color)


def initial(init: dict[str, Any]) -> str:
    """A scheme with the standard deviation of its weights: `balanced ±0.177`."""
    return f"{init['scheme']} {_spread('±', init['std_min'], init['std_max'])}"


def cosine(value: float) -> str:
    """A correlation, from 0 to 1."""
    return f"{value:.3g}" if value <= ALIKE else f"1 − {1.0 - value:.2g}" if value < 1.0 else "1"


def _cells(place: dict[str, Any]) -> tuple[str, ...]:
    forward = place["forward"]
    return (
        visible(place["name"]),
        _operation(place),
        f"{forward['mean']:.3g}",
        _spread("", forward["min"], forward["max"]),
        f"{place['backward']:.3g}",
        cosine(place["correlation"]),
    )


def _operation(place: dict[str, Any]) -> str:
    if place["scheme"] is not None:
        return initial(place)
    return str(place["op"]) if place["slope"] is None else f"{place['op']} slope={place['slope']:g}"


def _spread(sign: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"{sign}{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{sign}{low:.3g}..{high:.3g}"
