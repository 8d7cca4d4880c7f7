"""For which copies of a layer an assertion is evaluated: all, and layers of one repeat in step.

A path that writes the number of a copy stays in that copy, whichever copies the other paths are in.
"""

from __future__ import annotations

from collections.abc import Iterable

from nfc.analysis.errors import PropertyError
from nfc.checks.layers import Placed
from nfc.checks.names import Question

Binding = dict[str, Placed]
"""The copy that each path stands for."""
MOST_PAIRS = 1_000_000
"""Pairs of copies that are compared to find those in step."""


def bindings(questions: Iterable[Question]) -> list[Binding]:
    """Every choice of one copy for each path, layers inside the same repeat in the same copy of it.

    Raises:
        PropertyError: the choices are too many (NF506), or no copy holds all layers (NF502).
    """
    groups = {question.group: question.layers for question in questions if question.group is not None}
    found: list[Binding] = [{}]
    for path, layers in groups.items():
        if len(found) * len(layers) > MOST_PAIRS:
            message = f"this assertion is about {len(found)} × {len(layers)} combinations of copies"
            raise PropertyError("NF506", message, hints=("ask for fewer paths into repeats at once",))
        found = [{**chosen, path: layer} for chosen in found for layer in layers if _in_step(layer, chosen)]
    if not found:
        message = (
            f"no copy of the repeats around them holds all of {', '.join(f'`{path}`' for path in groups)}"
        )
        raise PropertyError("NF502", message)
    return found


def _in_step(layer: Placed, chosen: Binding) -> bool:
    """Whether a layer lies in the copies that the ones chosen so far lie in, of the repeats they share."""
    return all(
        other.copies.get(repeat, number) == number
        for other in chosen.values()
        for repeat, number in layer.copies.items()
    )
