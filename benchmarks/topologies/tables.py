"""The tables and the lines in words of docs/topologies.md, from a document of `measure`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.report import markdown, ratio
from benchmarks.topologies.measure import Record

Document = Mapping[str, Any]


def split(family: str, document: Document) -> tuple[list[Record], list[Record]]:
    """The points of a family by their weights, and all others."""
    own = [each for each in document["scored"] if each["family"] == family]
    others = [each for each in document["scored"] if each["family"] != family]
    return sorted(own, key=lambda each: each["weights"]), others


def requirements(document: Document) -> str:
    """Which member meets which requirement; ● where it does."""
    titles = [*document["measured"][0]["met"]]
    return markdown(
        ("topology", *titles),
        [
            (f"`{each['topology']}`", *("●" if each["met"][title] else "·" for title in titles))
            for each in document["measured"]
        ],
    )


COLUMNS = {
    "weights": "edges",
    "depth": "depth",
    "fan-in": "fan_in",
    "fan-out": "fan_out",
    "reach": "reach",
    "paths": "paths",
    "cv": "paths.cv",
    "bandwidth": "bandwidth",
    "spectral gap": "spectral_gap",
    "freedom": "freedom",
    "controllability": "controllability",
    "duplicates": "duplicates",
}
"""The properties of the table by their titles; those of a group are shown as least–most."""


def properties(document: Document) -> str:
    """The measured properties of each member."""
    return markdown(
        ("topology", *COLUMNS),
        [
            (f"`{each['topology']}`", *(shown(each["properties"], name) for name in COLUMNS.values()))
            for each in document["measured"]
        ],
    )


def worth(document: Document) -> str:
    """What each requirement is worth in trained networks."""
    return markdown(
        ("requirement", "among topologies of equal weights that also meet", "with : without", "points of R²"),
        [
            (
                each["requirement"],
                ", ".join(each["given"]) or "anything",
                f"{each['with_it']} : {each['without_it']}",
                signed(each["difference"]),
            )
            for each in document["worth"]
        ],
    )


def winners(document: Document) -> str:
    """What the search finds, budget by budget."""
    return markdown(
        ("topology", "budget", "weights", "factors", "score", "controllability"),
        [
            (
                f"`{each['topology']}`",
                *(str(each[name]) for name in ("budget", "weights", "depth")),
                *(ratio(each[name]) for name in ("score", "controllability")),
            )
            for each in document["winners"]
        ],
    )


def signed(points: float) -> str:
    """To whole points, with the sign that is left of it."""
    whole = round(points)
    return f"{whole:+d}".replace("-", "−") if whole else "0"


def best(document: Document) -> str:
    """The topologies that reach most among equal weights."""
    return markdown(
        ("topology", "weights", "factors", "score", "R², %"),
        [
            (
                f"`{each['topology']}`",
                each["weights"],
                str(each["depth"]),
                ratio(each["score"]),
                f"{100 * each['quality']:.1f}",
            )
            for each in document["best"]
        ],
    )


def described(record: Record, document: Document) -> str:
    """A family's member in words, and the points of its curve."""
    held = record["properties"]
    missed = [title for title, met in record["met"].items() if not met]
    width, scored = document["measured_width"], document["scored_width"]
    points, _ = split(record["family"], document)
    listed = (f"`{each['topology']}` {each['weights']}: {ratio(each['score'])}" for each in points)
    return (
        f"*Measured*, `{record['topology']}` at {width} → {width}: {held['edges']} weights, "
        f"depth {held['depth']}, fan-in {shown(held, 'fan_in')}, fan-out {shown(held, 'fan_out')}, "
        f"paths {shown(held, 'paths')} with `paths.cv` {shown(held, 'paths.cv')}, reach {shown(held, 'reach')}, "
        f"bandwidth {held['bandwidth']}, spectral gap {shown(held, 'spectral_gap')}, "
        f"freedom {shown(held, 'freedom')}, controllability {shown(held, 'controllability')}, "
        f"{held['duplicates']} duplicates. Misses: {', '.join(missed) or 'nothing'}.\n\n"
        f"*Scores* at {scored} → {scored}, after the weights: {'; '.join(listed)}."
    )


def shown(held: Mapping[str, Any], name: str) -> str:
    """A property as the page has it: of a group the least and the most, of a fraction two digits or three."""
    if name not in held:
        low, high = held[f"{name}.min"], held[f"{name}.max"]
        return str(low) if low == high else f"{low}–{high}"
    value = held[name]
    if not isinstance(value, float) or value == int(value):
        return str(int(value))
    return f"{value:.3f}".removeprefix("0") if 0.99 < value < 1.0 else ratio(value)
