"""The pictures and the generated lines of docs/topologies.md, from docs/data/topologies.json.

Run: python -m benchmarks.topologies.pages [--data docs/data/topologies.json] [--docs docs]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import nfc
from benchmarks.topologies import svg, tables
from benchmarks.topologies.curve import HEIGHT, WIDTH, curve
from benchmarks.topologies.measure import DATA
from benchmarks.topologies.members import DRAWN, DRAWN_WIDTH, PICTURED
from benchmarks.topologies.portrait import portrait
from benchmarks.topologies.tables import Document, split
from nfc.atomic import write_text

MARGIN = 8.0


def main() -> None:
    arguments = parse_arguments()
    document = json.loads(arguments.data.read_text("utf-8"))
    figures = arguments.docs / "figures" / "topologies"
    figures.mkdir(parents=True, exist_ok=True)
    for family in PICTURED:
        write_text(figures / f"{family}.svg", picture(family, document))
    page = arguments.docs / "topologies.md"
    write_text(page, filled(page.read_text("utf-8"), document))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    return parser.parse_args()


def picture(family: str, document: Document) -> str:
    """A family's SVG: the factors of a small member, then its two curves."""
    fabric = nfc.topology(DRAWN[family], rows=DRAWN_WIDTH, cols=DRAWN_WIDTH).ir
    drawn = portrait(fabric, (MARGIN, MARGIN + 16))
    title = f"{DRAWN[family]}, {DRAWN_WIDTH} → {DRAWN_WIDTH}"
    # Beside a narrow portrait, below a wide one: pages are about 700 units wide.
    wide = drawn.width > 260
    left = MARGIN if wide else MARGIN + max(drawn.width, 6.0 * len(title)) + 24
    top = drawn.height + 36 if wide else MARGIN
    panels = [
        part
        for place, quantity in enumerate(("score", "controllability"))
        for part in curve(quantity, *split(family, document), (left + place * (WIDTH + 12), top))
    ]
    right = max(left + 2 * WIDTH + 12, drawn.width + MARGIN) + MARGIN
    low = max(top + HEIGHT, drawn.height + 24) + MARGIN
    return svg.document(title, right, low, (svg.text((MARGIN, MARGIN + 9), title), *drawn.parts, *panels))


def filled(page: str, document: Document) -> str:
    """The page with its generated lines as the data say: each stands between a pair of comments."""
    for name, content in generated(document):
        opening, found, rest = page.partition(f"<!-- {name} -->\n")
        if not found:
            raise ValueError(f"expected a line `<!-- {name} -->` in the page")
        page = f"{opening}{found}{content}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


def generated(document: Document) -> Iterator[tuple[str, str]]:
    """What stands between the comments of a name."""
    yield "requirements", tables.requirements(document)
    yield "properties", tables.properties(document)
    yield "worth", tables.worth(document)
    yield "best", tables.best(document)
    yield "winners", tables.winners(document)
    members = {each["family"]: each for each in reversed(document["measured"])}
    for family in PICTURED:
        yield family, tables.described(members[family], document)


if __name__ == "__main__":
    main()
