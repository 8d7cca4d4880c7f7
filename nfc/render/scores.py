"""The records of `nfc score` and `nfc search` as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nfc.render.tables import Column, table_lines
from nfc.render.visible import visible

Record = Mapping[str, Any]

UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def render_scores(document: Record, columns: int, *, color: bool = False) -> str:
    """A row a topology, best first; without a newline at the end."""
    records = document["results"]
    headings: list[Column] = [
        ("topology", "left"),
        ("params", "right"),
        ("density", "right"),
        ("depth", "right"),
        ("score", "right"),
        ("controllability", "right"),
        ("connected", "left"),
        ("paths.cv", "right"),
        ("bandwidth", "right"),
        ("spectral gap", "right"),
        ("freedom", "right"),
        ("step", "right"),
    ]
    rows = [
        (
            visible(each["topology"]),
            f"{each['params']:,}",
            f"{each['density']:.2%}",
            str(each["depth"]),
            number(each["score"]),
            controllability(each),
            yes(each["connected"]),
            number(each["paths_cv"]),
            *(number(each[key]) for key in ("bandwidth", "spectral_gap", "freedom")),
            duration(each["seconds"]),
        )
        for each in records
    ]
    title = f"{document['cols']} → {document['rows']}"
    return "\n".join(table_lines(title, headings, rows, columns, color=color))


def render_found(document: Record, columns: int, *, color: bool = False) -> str:
    """The topologies that a search found, best first, those that nothing beats marked."""
    headings: Sequence[Column] = (
        ("", "left"),
        ("topology", "left"),
        ("weights", "right"),
        ("score", "right"),
        ("trainability", "right"),
        ("controllability", "right"),
        ("depth", "right"),
        ("fan-in", "right"),
        ("connected", "left"),
        ("step", "right"),
    )
    rows = [
        (
            "*" if each["leading"] else "",
            visible(each["topology"]),
            f"{each['params']:,}",
            number(each["score"]),
            number(each["trainability"]),
            controllability(each),
            str(each["depth"]),
            str(each["fan_in"]),
            yes(each["connected"]),
            duration(each["seconds"]),
        )
        for each in document["results"]
    ]
    title = f"{document['cols']} → {document['rows']}, at most {document['params']:,} weights"
    lines = table_lines(title, headings, rows, columns, color=color)
    legend = "* nothing found beats it in weights, score, depth and predicted step"
    counts = (
        f"{document['considered']} candidates, {document['admitted']} within the bounds, {len(rows)} scored"
    )
    return "\n".join([*lines, counts, legend] if rows else [counts])


def controllability(record: Record) -> str:
    """The mean with its standard error."""
    mean, error = record["controllability"], record["stderr"]
    return "—" if mean is None else f"{mean:.4f} ± {error:.4f}"


def number(value: float | None) -> str:
    """Four digits, integers whole; a dash for what is not measured."""
    match value:
        case None:
            return "—"
        case int():
            return f"{value:,}"
        case _:
            return f"{value:.4f}"


def yes(value: bool | None) -> str:
    return "—" if value is None else "yes" if value else "no"


def duration(seconds: float) -> str:
    """Three digits in the unit that suits."""
    name, unit = next(((name, unit) for name, unit in UNITS if seconds >= unit), UNITS[-1])
    return f"{seconds / unit:.3g} {name}"
