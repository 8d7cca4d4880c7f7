"""The study's figures, as SVG with the same bytes whenever the results are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from examples.study.rank import Measured
from examples.study.statistics import spearman
from examples.study.topologies import GROUPS, Contender, fabric
from examples.study.training import Outcome

FAMILIES = {
    "dense": ("dense", "s"),
    "lowrank": ("low rank", "v"),
    "block": ("block diagonal", "x"),
    "random": ("random", "o"),
    "cascade(": ("cascades", "^"),
    "butterfly": ("butterflies", "D"),
    "monarch": ("butterflies", "D"),
    "clos": ("butterflies", "D"),
    "shuffle_exchange": ("butterflies", "D"),
    "parallel": ("parallel butterflies", "*"),
    "": ("neighbours", "+"),
}
"""Kinds of topologies and their markers, by how an expression begins; the first that fits."""
NARROW = "narrower dense", "<"
KINDS = [*dict.fromkeys(label for label, _ in FAMILIES.values()), NARROW[0]]
"""In the order of their colours."""


def plot_accuracy(outcomes: Sequence[Outcome], path: Path) -> None:
    """What contenders reach against their weights, a panel a condition, a marker a kind."""
    conditions = list(dict.fromkeys(each.configuration.condition for each in outcomes))
    figure, panels = _panels(len(conditions))
    for condition, panel in zip(conditions, panels, strict=False):
        chosen = [each for each in outcomes if each.configuration.condition == condition]
        for label, (marker, points) in _by_kind(chosen).items():
            weights, means, spreads = zip(*points, strict=True)
            panel.errorbar(
                weights,
                means,
                spreads,
                fmt=marker,
                color=f"C{KINDS.index(label)}",
                label=label,
                markersize=5,
                elinewidth=0.7,
                alpha=0.8,
            )
        panel.set(xscale="log", xlabel="weights of a copy", ylabel=_quality(condition.task), title=condition)
    _legend(figure, panels)
    save(figure, path)


def plot_score(conditions: Sequence[Measured], path: Path) -> None:
    """What topologies reach against their score, a panel a condition, a colour a group of equal weights."""
    figure, panels = _panels(len(conditions))
    for of, panel in zip(conditions, panels, strict=False):
        scores, quality = of.predicted("score"), 100.0 * of.quality
        for number, (group, rows) in enumerate(of.groups.items()):
            panel.plot(
                scores[rows], quality[rows], "o", color=f"C{number}", label=f"{group} weights", alpha=0.8
            )
        panel.set(
            xlabel="score", ylabel=_quality(of.condition), title=f"{of.condition}, ρ = {spearman(scores, quality):.2f}"
        )  # fmt: skip
    _legend(figure, panels)
    save(figure, path)


def plot_depth(outcomes: Sequence[Outcome], path: Path) -> None:
    """What topologies of equal weights reach against the number of their factors, a colour a group."""
    conditions = list(dict.fromkeys(each.configuration.condition for each in outcomes))
    figure, panels = _panels(len(conditions))
    for condition, panel in zip(conditions, panels, strict=False):
        for number, group in enumerate(GROUPS):
            reached = {
                contender: 100.0 * float(np.mean([each.quality for each in some]))
                for contender, some in _by_contender(outcomes).items()
                for some in [[each for each in some if each.configuration.condition == condition]]
                if contender.group == group and some
            }
            depths = [int(fabric(contender.via).depth) for contender in reached]
            panel.plot(
                depths, [*reached.values()], "o", color=f"C{number}", label=f"{group} weights", alpha=0.8
            )
        panel.set(xlabel="factors of a copy", ylabel=_quality(condition.task), title=condition)
    _legend(figure, panels)
    save(figure, path)


def kind(via: str) -> tuple[str, str]:
    """The kind of an expression and its marker."""
    return next(found for start, found in FAMILIES.items() if via.startswith(start))


def save(figure: Any, path: Path) -> None:
    import matplotlib as mpl

    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "nfc"}):
        figure.savefig(path, metadata={"Date": None})


def _by_contender(outcomes: Iterable[Outcome]) -> dict[Contender, list[Outcome]]:
    found: dict[Contender, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.configuration.contender, []).append(outcome)
    return found


def _by_kind(outcomes: Iterable[Outcome]) -> dict[str, tuple[str, list[tuple[float, float, float]]]]:
    """Marker and points (weights, mean, standard deviation, in per cent) of each kind."""
    found: dict[str, tuple[str, list[tuple[float, float, float]]]] = {}
    for contender, some in _by_contender(outcomes).items():
        label, marker = kind(contender.via) if contender.is_topology else NARROW
        values = [100.0 * each.quality for each in some]
        point = (float(contender.weights), float(np.mean(values)), float(np.std(values)))
        found.setdefault(label, (marker, []))[1].append(point)
    return found


def _quality(condition: str) -> str:
    return "accuracy, %" if "classify" in condition else "R², %"


def _panels(count: int) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    columns = 2 if count in (2, 4) else min(3, max(1, count))
    rows = max(1, -(-count // columns))
    figure = Figure(figsize=(4.2 * columns, 3.6 * rows), layout="constrained")
    panels = list(np.atleast_1d(figure.subplots(rows, columns)).flat)
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, panels


def _legend(figure: Any, panels: Sequence[Any]) -> None:
    found = {
        label: handle
        for panel in panels
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(found.values(), found.keys(), fontsize="small", loc="outside lower center", ncols=6)
