"""The data behind docs/topologies.md: properties and requirements met at one width, score curves at another.

Run: python -m benchmarks.topologies.measure [--data docs/data/topologies.json] [--again] [--jobs 2]
Scores and winners that are in the file are kept unless `--again` is given.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nfc
from benchmarks.topologies.members import MEASURED, MEASURED_WIDTH, SCORED, SCORED_WIDTH, VARIANTS
from benchmarks.topologies.requirements import met
from benchmarks.topologies.tunable import tunable
from benchmarks.topologies.winners import winners
from benchmarks.topologies.worth import best, worths
from nfc.atomic import write_text
from nfc.score import score

DATA = Path("docs/data/topologies.json")
PROPERTIES = (
    "edges",
    "density",
    "depth",
    "fan_in.min",
    "fan_in.max",
    "fan_out.min",
    "fan_out.max",
    "connected",
    "reach",
    "paths.min",
    "paths.max",
    "paths.cv",
    "bandwidth",
    "spectral_gap",
    "freedom",
    "controllability",
    "duplicates",
    "dead",
)
TARGETS = 1
"""Sampled matrices of a score's controllability, whose standard error is then about a hundredth."""

Record = dict[str, Any]


def main() -> None:
    arguments = parse_arguments()
    path: Path = arguments.data
    known: Record = {} if arguments.again or not path.exists() else json.loads(path.read_text("utf-8"))
    points = {each["topology"]: each for each in known.get("scored", ())}
    document = {
        "measured_width": MEASURED_WIDTH,
        "measured": [measured(*member) for member in members()],
        "scored_width": SCORED_WIDTH,
        "scored": [
            points.get(topology) or scored(family, topology)
            for family, expressions in SCORED.items()
            for topology in expressions
        ],
        "worth": [rounded_all(asdict(each)) for each in worths()],
        "best": [rounded_all(each) for each in best()],
        "winners": known.get("winners") or [rounded_all(asdict(each)) for each in winners(arguments.jobs)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, encoded(document))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--again", action="store_true", help="score and search anew")
    parser.add_argument("--jobs", type=int, default=2, help="processes of the search")
    return parser.parse_args()


def members() -> Iterator[tuple[str, str]]:
    """The family and the expression of each row of the table."""
    yield from MEASURED.items()
    yield from ((variant.partition("(")[0], variant) for variant in VARIANTS)


def measured(family: str, topology: str) -> Record:
    """A row: properties by name, and whether each requirement is met, by title."""
    fabric = nfc.topology(topology, rows=MEASURED_WIDTH, cols=MEASURED_WIDTH)
    properties = rounded_all(fabric.properties(*PROPERTIES))
    held = met(topology, MEASURED_WIDTH) | {"tunable": tunable(family)}
    return {"family": family, "topology": topology, "properties": properties, "met": held}


def scored(family: str, topology: str) -> Record:
    """A point of a family's score curve."""
    fabric = nfc.topology(topology, rows=SCORED_WIDTH, cols=SCORED_WIDTH)
    # Of the fabric itself: without `smaller`, no other width stands in for it.
    found = score(fabric.ir, targets=TARGETS)
    values = {
        "score": found.score,
        "controllability": found.controllability,
        "trainability": found.trainability,
    }
    head = {"family": family, "topology": topology, "weights": int(fabric.edges), "depth": int(fabric.depth)}
    return head | rounded_all(values)


def rounded_all(record: Mapping[str, Any]) -> Record:
    """Floats to four places, which is finer than any table shows."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in record.items()}


def encoded(document: Mapping[str, Any]) -> str:
    """JSON with a line a record."""
    parts = []
    for key, value in document.items():
        lines = ",\n".join(f"    {json.dumps(each)}" for each in value) if isinstance(value, list) else ""
        parts.append(f'  "{key}": [\n{lines}\n  ]' if lines else f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
