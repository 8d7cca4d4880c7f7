"""The study's results as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean, stdev

from examples.study.rank import Ranking
from examples.study.statistics import Interval
from examples.study.topologies import Contender
from examples.study.training import Outcome


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (titles, rule, *rows))


def qualities(outcomes: Iterable[Outcome]) -> str:
    """A row a contender, a column a condition: mean and standard deviation over seeds, in per cent."""
    found: dict[Contender, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    conditions: dict[str, None] = {}
    for outcome in outcomes:
        run = outcome.configuration
        condition = str(run.condition)
        conditions[condition] = None
        found[run.contender][condition].append(100.0 * outcome.quality)
    rows = (
        (f"`{contender.name}`", str(contender.weights), *(spread(reached[each]) for each in conditions))
        for contender, reached in found.items()
    )
    return markdown(("topology", "weights", *conditions), rows)


def spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def rankings(found: Iterable[Ranking]) -> str:
    """A row a condition and predictor: correlations with intervals and shares of their ceilings, and regret."""
    titles = (
        "condition",
        "predictor",
        "overall",
        "of its ceiling",
        "within equal weights",
        "of its ceiling",
        "partial",
        "regret, mean / worst",
    )
    rows = (
        (
            each.condition,
            each.predictor,
            interval(each.overall),
            f"{each.overall.value / each.overall_ceiling:.2f}",
            interval(each.within),
            f"{each.within.value / each.within_ceiling:.2f}",
            interval(each.partial),
            f"{each.regret:.2f} / {each.worst_regret:.2f}",
        )
        for each in found
    )
    return markdown(titles, rows)


def interval(of: Interval) -> str:
    return f"{of.value:.2f} ({of.low:.2f} to {of.high:.2f})"
