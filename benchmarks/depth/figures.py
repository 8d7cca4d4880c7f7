"""Tables and figures of docs/initialisation.md, from what `training` and `signals` have measured.

Run: python -m benchmarks.depth.figures [--build build/benchmarks] [--figures docs/figures]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import geometric_mean, mean

from benchmarks.depth import signals
from benchmarks.depth.families import FAMILIES, WIDTH
from benchmarks.depth.signals import Typical
from benchmarks.depth.training import RATE, Outcome, read
from benchmarks.report import markdown

AUTO = "leaky_relu slope=auto"
FLOOR = 1e-40
"""Where the axis of signals ends; what is less is drawn there."""


def main() -> None:
    arguments = parse_arguments()
    arguments.figures.mkdir(parents=True, exist_ok=True)
    outcomes = read(arguments.build / "depth_training.jsonl")
    print(training_table(outcomes))
    plot_training(outcomes, arguments.figures / "depth_training.svg")
    plot_signals(
        signals.read(arguments.build / "depth_signals.jsonl"), arguments.figures / "depth_signals.svg"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--figures", type=Path, default=Path("docs/figures"))
    return parser.parse_args()


Series = tuple[str, str, str]
"""Family, scheme, activation."""


def by_series(outcomes: Iterable[Outcome]) -> dict[Series, dict[int, list[Outcome]]]:
    """The outcomes of each series by the number of layers, shallow first."""
    series: dict[Series, dict[int, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in sorted(outcomes, key=lambda each: each.run.layers):
        run = outcome.run
        series[run.family, run.scheme, run.activation][run.layers].append(outcome)
    return series


def training_table(outcomes: Sequence[Outcome]) -> str:
    """A row a series and depth: means over seeds, the accuracy with its range."""
    titles = (
        "masks",
        "scheme",
        "activation",
        "layers",
        "seeds",
        "accuracy",
        "cosine",
        "trained",
        "σ₁/σ₁₀",
        "directions",
    )
    return markdown(titles, [
        (
            *series, str(layers), str(len(group)), accuracies(group), f"{mean(each.cosine for each in group):.2f}",
            f"{mean(each.trained_cosine for each in group):.2f}",
            f"{geometric_mean(each.spread for each in group):.3g}", f"{mean(each.directions for each in group):.1f}",
        )
        for series, depths in sorted(by_series(outcomes).items(), key=lambda item: (item[0][1:], item[0][0]))
        for layers, group in depths.items()
    ])  # fmt: skip


def accuracies(group: Sequence[Outcome]) -> str:
    values = [100 * each.accuracy for each in group]
    return f"{mean(values):.1f} ({min(values):.1f}…{max(values):.1f})"


def plot_training(outcomes: Sequence[Outcome], path: Path) -> None:
    """Accuracy and the cosine between inputs against depth, a line a family."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    chosen = (each for each in outcomes if each.run.activation == AUTO and each.run.rate == RATE)
    series = by_series(chosen)
    colours = {family.name: f"C{number}" for number, family in enumerate(FAMILIES)}
    for (name, scheme, _), depths in series.items():
        if scheme not in ("balanced", "dense_xavier"):
            continue
        blind = scheme == "dense_xavier"
        style = {
            "color": "grey" if blind else colours[name],
            "linestyle": ":" if blind else "-",
            "marker": ".",
        }
        label = "blind to sparsity" if blind else name
        accuracy = [100 * mean(each.accuracy for each in group) for group in depths.values()]
        left.plot([*depths], accuracy, label=label, **style)
        if not blind:
            right.plot([*depths], [mean(each.cosine for each in group) for group in depths.values()], **style)
    left.set(xscale="log", xlabel="weighted layers", ylabel="test accuracy, %")
    right.set(xscale="log", xlabel="weighted layers", ylabel="mean cosine before training", ylim=(0, 1))
    handles = {label: handle for handle, label in zip(*left.get_legend_handles_labels(), strict=True)}
    left.legend(handles.values(), handles.keys(), fontsize="x-small")
    save(figure, path)


def plot_signals(results: Sequence[Typical], path: Path) -> None:
    """The typical signal forward against depth in ReLU networks: the range over all masks of each scheme."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.subplots()
    chosen = [each for each in results if each.case.activation == "relu" and each.case.width == WIDTH]
    for scheme in dict.fromkeys(each.case.scheme for each in chosen):
        depths: dict[int, list[float]] = defaultdict(list)
        for each in sorted(chosen, key=lambda each: each.case.layers):
            if each.case.scheme == scheme:
                depths[each.case.layers].append(max(FLOOR, each.forward))
        low, high = ([bound(values) for values in depths.values()] for bound in (min, max))
        (drawn,) = panel.plot(
            [*depths], [geometric_mean(v) for v in depths.values()], marker=".", label=scheme
        )
        panel.fill_between([*depths], low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
    panel.set(
        xscale="log", yscale="log", xlabel="weighted layers", ylabel="typical second moment, out over in"
    )
    panel.legend(fontsize="small")
    save(figure, path)


def save(figure: object, path: Path) -> None:
    """As SVG with the same bytes whenever the data are the same."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "nfc"}):
        figure.savefig(path, metadata={"Date": None})  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
