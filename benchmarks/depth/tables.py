"""The tables of docs/initialisation.md, from what `training` and `signals` have measured.

Run: python -m benchmarks.depth.tables [--build build/benchmarks]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from math import log10
from pathlib import Path
from statistics import geometric_mean, mean

from benchmarks.depth import signals, training
from benchmarks.depth.families import FAMILIES, WIDTH
from benchmarks.depth.signals import Typical
from benchmarks.depth.training import RATE, Outcome
from benchmarks.report import markdown

AUTO = "leaky_relu slope=auto"
WIDE = 1024
DEPTHS = (10, 50, 100, 200)
LOOKED_AT = 100
"""Layers of the networks whose angles and directions are shown."""


def main() -> None:
    build = parse_arguments().build
    results, outcomes = (
        signals.read(build / "depth_signals.jsonl"),
        training.read(build / "depth_training.jsonl"),
    )
    for text in (
        balanced_signals(results),
        other_signals(results),
        accuracies(outcomes),
        baselines(outcomes),
    ):
        print(f"{text}\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    return parser.parse_args()


def balanced_signals(results: Sequence[Typical]) -> str:
    """Of `balanced` forward / backward: a row a family."""
    columns = (
        ("100 layers, linear", 100, WIDTH, None),
        ("`relu`", 100, WIDTH, "relu"),
        (f"{WIDE} wide, `relu`", 100, WIDE, "relu"),
        ("1000 layers, linear", 1000, WIDTH, None),
        ("`relu`", 1000, WIDTH, "relu"),
    )
    return _of_families(
        [title for title, *_ in columns],
        lambda name: [
            _signal(results, name, "balanced", layers, width, activation)
            for _, layers, width, activation in columns
        ],
    )


def other_signals(results: Sequence[Typical]) -> str:
    """Of the other schemes behind 100 layers with relu: a row a family."""
    schemes = ("balanced", "kaiming", "xavier", "dense_xavier")
    return _of_families(
        [f"`{scheme}`" for scheme in schemes],
        lambda name: [_signal(results, name, scheme, 100, WIDTH, "relu") for scheme in schemes],
    )


def accuracies(outcomes: Sequence[Outcome]) -> str:
    """Of `balanced` at each depth, and what its networks are like before training: a row a family."""
    looks: tuple[tuple[str, Callable[[Sequence[Outcome]], str]], ...] = (
        ("cosine", lambda group: _number(mean(each.cosine for each in group))),
        ("σ₁/σ₁₀", lambda group: f"{geometric_mean(each.spread for each in group):.2g}"),
        ("directions", lambda group: f"{mean(each.directions for each in group):.1f}"),
    )

    def row(name: str) -> list[str]:
        found = _runs(outcomes, name, "balanced", LOOKED_AT)
        return [
            *(_accuracy(_runs(outcomes, name, "balanced", depth)) for depth in DEPTHS),
            *(look(found) if found else "" for _, look in looks),
        ]

    return _of_families([*(f"{depth}" for depth in DEPTHS), *(title for title, _ in looks)], row)


def baselines(outcomes: Sequence[Outcome]) -> str:
    """Of every scheme at 10 and 100 layers: a row a family."""
    columns = [
        (scheme, depth) for scheme in ("balanced", "kaiming", "xavier", "dense_xavier") for depth in (10, 100)
    ]
    return _of_families(
        [f"`{scheme}`, {depth}" for scheme, depth in columns],
        lambda name: [_accuracy(_runs(outcomes, name, scheme, depth)) for scheme, depth in columns],
    )


def _of_families(titles: Sequence[str], row: Callable[[str], list[str]]) -> str:
    named = {each.name: each.via for each in FAMILIES}
    return markdown(("masks", *titles), [(via, *row(name)) for name, via in named.items()])


def _signal(
    results: Iterable[Typical], name: str, scheme: str, layers: int, width: int, activation: str | None
) -> str:
    for each in results:
        case = each.case
        if (case.family, case.scheme, case.layers, case.width, case.activation) == (
            name, scheme, layers, width, activation,
        ):  # fmt: skip
            return f"{_number(each.forward)} / {_number(each.backward)}"
    return ""


def _number(value: float) -> str:
    """Two digits, as .35 or 1.0; what is less than a thousandth as a power of ten; 0 below float64."""
    if value == 0.0:
        return "0"
    if value < 1e-3:
        return f"10^{round(log10(value))}"
    digits = f"{value:.2g}" if value < 0.1 else f"{value:.2f}"
    return digits.removeprefix("0")


def _runs(outcomes: Iterable[Outcome], name: str, scheme: str, layers: int) -> list[Outcome]:
    wanted = (name, scheme, layers, AUTO, RATE)
    return [
        each
        for each in outcomes
        if (each.run.family, each.run.scheme, each.run.layers, each.run.activation, each.run.rate) == wanted
    ]


def _accuracy(group: Sequence[Outcome]) -> str:
    """Per cent, with the number of seeds where it is not three."""
    if not group:
        return ""
    seeds = "" if len(group) == 3 else f" ({len(group)})"
    return f"{100 * mean(each.accuracy for each in group):.1f}{seeds}"


if __name__ == "__main__":
    main()
