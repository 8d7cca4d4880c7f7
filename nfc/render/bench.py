"""The records of `nfc bench` as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from nfc.render.tables import Column, table_lines
from nfc.render.visible import visible

Records = Sequence[Mapping[str, Any]]

COLUMNS: tuple[Column, ...] = (
    ("runtime", "left"),
    ("mode", "left"),
    ("batch", "right"),
    ("sparse", "right"),
    ("dense", "right"),
    ("ratio", "right"),
    ("predicted", "right"),
    ("of roofline (dense)", "right"),
)

UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def render_bench(document: Mapping[str, Any], columns: int, *, color: bool = False) -> str:
    """A table a network, what was skipped, and the machine; without a newline at the end."""
    results = document["results"]
    if not results:
        return ""
    tables = [
        _table(name, list(rows), columns, color=color)
        for name, rows in groupby(results, key=lambda row: str(row["network"]))
    ]
    notes = [
        visible(f"{each['network']} is not timed in {each['runtime']}: {each['reason']}")
        if each["network"]
        else f"{each['runtime']} is skipped: {each['reason']}"
        for each in document["skipped"]
    ]
    machine = _machine(document["machine"], document["peak"], results[0]["threads"])
    return "\n\n".join([*tables, "\n".join([*notes, machine])])


def times(record: Mapping[str, float]) -> str:
    """A median with its quartiles in its unit, `12.3 (11.9–13.0) µs`."""
    median = record["median"]
    name, unit = next(((name, unit) for name, unit in UNITS if median >= unit), UNITS[-1])
    low, middle, high = (_digits(record[each] / unit) for each in ("q1", "median", "q3"))
    return f"{middle} ({low}–{high}) {name}"


def _digits(number: float) -> str:
    """Three digits, zeros at the end kept, and all that stand before the point."""
    return f"{number:.0f}" if number >= 99.95 else f"{number:#.3g}"


def _table(name: str, rows: Records, columns: int, *, color: bool) -> str:
    title = f"{visible(name)}: the compiled network against its dense twin"
    shown = [
        column
        for column in COLUMNS
        if column[0] != "predicted" or any(row["predicted_ratio"] is not None for row in rows)
    ]
    cells = ([_cells(row)[heading] for heading, _ in shown] for row in rows)
    return "\n".join(table_lines(title, shown, cells, columns, color=color))


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    predicted, roofline = row["predicted_ratio"], row["roofline"]
    return {
        "runtime": row["runtime"],
        "mode": row["mode"],
        "batch": f"{row['batch']}",
        "sparse": times(row["sparse"]),
        "dense": times(row["dense"]),
        "ratio": _digits(row["ratio"]),
        "predicted": "" if predicted is None else _digits(predicted),
        "of roofline (dense)": f"{roofline['sparse']['share']:.0%} ({roofline['dense']['share']:.0%})",
    }


def _machine(machine: Mapping[str, Any], peak: Mapping[str, float], threads: int) -> str:
    """What the times were taken on, in two lines."""
    versions = [f"{name} {machine[name]}" for name in ("torch", "onnxruntime", "numpy") if machine[name]]
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if machine["memory"] else ""
    counted = f"{threads} thread{'s' * (threads != 1)} of {machine['cores']}"
    rates = f"{peak['flops_per_second'] / 1e9:.1f} Gflop/s, {peak['bytes_per_second'] / 1e9:.1f} GB/s"
    return (
        f"{visible(machine['processor'])}{memory}, {counted}, peak {rates}\n"
        f"{machine['system']}, Python {machine['python']}, {', '.join(versions)}"
    )
