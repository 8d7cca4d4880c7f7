"""Small SVG, written by hand: the same bytes for the same drawing, and a tenth of a plotting library's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

INK, FAINT, ACCENT, PAPER = "#1f2328", "#d0d7de", "#0969da", "#ffffff"
FONT = 10.0

Point = tuple[float, float]


def number(value: float) -> str:
    """To a tenth of a unit, without what means nothing."""
    return f"{value:.1f}".removesuffix(".0")


def text(at: Point, words: str, *, anchor: str = "start", colour: str = INK, size: float = FONT) -> str:
    x, y = map(number, at)
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="{number(size)}">'
        f"{escape(words)}</text>"
    )


def frame(at: Point, width: float, height: float) -> str:
    x, y = map(number, at)
    return (
        f'<rect x="{x}" y="{y}" width="{number(width)}" height="{number(height)}" '
        f'fill="none" stroke="{FAINT}"/>'
    )


def cells(runs: Iterable[tuple[float, float, float]], height: float) -> str:
    """Filled rectangles of one height, as (x, y, width), in one path."""
    steps = "".join(
        f"M{number(x)} {number(y)}h{number(w)}v{number(height)}h-{number(w)}z" for x, y, w in runs
    )
    return f'<path d="{steps}" fill="{INK}"/>'


def line(points: Sequence[Point], colour: str) -> str:
    joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def dots(points: Iterable[Point], colour: str, radius: float) -> str:
    circles = (f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>' for x, y in points)
    return f'<g fill="{colour}">{"".join(circles)}</g>'


def document(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" role="img">'
    paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    return "\n".join((head, f"<title>{escape(title)}</title>", paper, *parts, "</svg>")) + "\n"
