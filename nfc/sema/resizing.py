"""A topology's expression for another width, so that the family stays itself there.

Most parameters say what a neuron sees (`fan_in=8`, `radix=4`) and stay. Some count over the whole width, and
would say something else at another: `block(count=66)` has blocks of 16 at 1024 and of 1 at 64.
"""

from __future__ import annotations

from collections.abc import Iterator

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.sema.tree import walk
from nfc.source import Source, Span
from nfc.syntax import ast, parse_expression
from nfc.topologies import FAMILIES

GROWTH = {
    ("block", "count"): 1.0,
    ("dense", "width"): 1.0,
    ("n_of_m", "m"): 1.0,
    ("bernoulli", "density"): -1.0,
    ("clos", "middle"): 0.5,
}
"""The power of the width with which a parameter grows; `middle` as `inputs` does, which is near a root."""
TIED = {"clos": "inputs"}
"""Where this parameter is given, the family's others stay with it."""


def resized(text: str, ratio: float, limits: Limits) -> str:
    """The expression with the written numbers that grow or fall with the width multiplied.

    Args:
        ratio: of the new width over the old one.
    """
    node = parse_expression(Source("<topology>", text), Sink(), limits)
    if node is None:
        return text
    pieces, done = [], 0
    for span, number in sorted(_resized(node, ratio), key=lambda each: each[0].start):
        pieces += [text[done : span.start], str(number)]
        done = span.end
    return "".join((*pieces, text[done:]))


def _resized(root: ast.Expression, ratio: float) -> Iterator[tuple[Span, int | float]]:
    """The places of the numbers that change, and what they change to."""
    for call in walk(root):
        if not isinstance(call, ast.Call):
            continue
        given = dict(_arguments(call))
        for name, value in given.items():
            growth = GROWTH.get((call.function, name))
            if growth and TIED.get(call.function) not in given and isinstance(value, ast.Number):
                yield value.span, _multiplied(value.value, ratio, growth)


def _multiplied(value: float, ratio: float, growth: float) -> int | float:
    """Densities, which fall with the width, are at most 1; numbers are integers."""
    scaled = float(value * ratio**growth)
    return min(1.0, scaled) if growth < 0.0 else max(1, round(scaled))


def _arguments(call: ast.Call) -> Iterator[tuple[str, ast.Expression]]:
    """Names and values; of positional arguments the names of a standard family's parameters."""
    family = FAMILIES.get(call.function)
    names = [parameter.name for parameter in family.parameters] if family else []
    for place, argument in enumerate(call.arguments):
        if isinstance(argument, ast.Argument):
            name = argument.name or (names[place] if place < len(names) else "")
            yield name, argument.value
