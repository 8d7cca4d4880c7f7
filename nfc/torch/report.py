"""What `sparsify` did, or would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one layer.

    Attributes:
        name: its path in the model; `others` are those at which the same layer stands again.
        kind: `Linear`, `Conv1D` or `Conv2d`.
        in_features, out_features: those of a convolution are its channels.
        kernel: a convolution's sizes, else none.
        topology: what its rule says; None where the rule leaves it alone.
        before: its weights; `after` those of the fabric in its place. Biases count in neither.
        speedup: predicted time of the dense layer over the fabric's; None where none was built.
        error: with `project`, how far the new matrix is from the old one, ‖new − old‖ / ‖old‖ (Frobenius).
        obstacle: why it stays; None where it is replaced.
    """

    name: str
    others: tuple[str, ...]
    kind: str
    in_features: int
    out_features: int
    rule: str
    topology: str | None
    before: int
    kernel: tuple[int, ...] = ()
    after: int | None = None
    speedup: float | None = None
    error: float | None = None
    obstacle: str | None = None

    @property
    def replaced(self) -> bool:
        return self.obstacle is None

    @property
    def decision(self) -> str:
        return "replaced" if self.obstacle is None else f"left alone: {self.obstacle}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `sparsify` did to the layers that its rules match, in the model's order.

    Attributes:
        parameters: of the whole model before, each shared one counted once.
        batch: rows for which speed is predicted.
        backward: whether it is that of forward and backward, or of forward alone.
    """

    entries: tuple[Entry, ...]
    parameters: int
    batch: int
    backward: bool

    @property
    def replaced(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.replaced)

    @property
    def left(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if not entry.replaced)

    @property
    def before(self) -> int:
        """Weights of the replaced layers."""
        return sum(entry.before for entry in self.replaced)

    @property
    def after(self) -> int:
        """Weights of the fabrics in their place."""
        return sum(entry.after or 0 for entry in self.replaced)

    def __getitem__(self, name: str) -> Entry:
        """A layer's entry by any of its paths; KeyError where no rule matches it."""
        for entry in self.entries:
            if name in (entry.name, *entry.others):
                return entry
        raise KeyError(name)

    def __str__(self) -> str:
        """A table, layers that differ in the numbers of their paths alone in one row, and a summary."""
        groups: dict[Row, list[str]] = {}
        for entry in self.entries:
            groups.setdefault(_row(entry), []).append(entry.name or "(the model)")
        rows = [HEADS, *(_with_names(row, names) for row, names in groups.items())]
        if all(entry.error is None for entry in self.entries):
            place = HEADS.index("error")
            rows = [(*row[:place], *row[place + 1 :]) for row in rows]
        return "\n".join([*_lines(rows), "", self._summary()])

    def _summary(self) -> str:
        now = self.parameters - self.before + self.after
        mode = "forward and backward" if self.backward else "forward"
        return (
            f"{len(self.replaced)} of {len(self.entries)} layers replaced; "
            f"the model had {self.parameters:,} parameters and has {now:,}.\n"
            f"Faster: dense time over sparse, predicted; {mode}, {self.batch} rows, one CPU thread."
        )


Row = tuple[str, ...]

HEADS = ("layer", "number", "size", "topology", "weights", "now", "faster", "error", "decision")
RIGHT = ("number", "weights", "now", "faster", "error")
"""Columns of numbers, which end alike."""


def _row(entry: Entry) -> Row:
    """The path with `*` for its numbers, then all columns but the number of layers."""
    decision = "; also ".join((entry.decision, *entry.others))
    return (
        ".".join("*" if part.isdigit() else part for part in entry.name.split(".")),
        _size(entry),
        entry.topology or "-",
        f"{entry.before:,}",
        "-" if entry.after is None else f"{entry.after:,}",
        "-" if entry.speedup is None else f"× {entry.speedup:.2f}",
        "-" if entry.error is None else f"{entry.error:.1%}",
        decision,
    )


def _size(entry: Entry) -> str:
    window = f", {' × '.join(map(str, entry.kernel))}" if entry.kernel else ""
    return f"{entry.in_features} → {entry.out_features}{window}"


def _with_names(row: Row, names: Sequence[str]) -> Row:
    """The row with the path of a lone layer, or the number of those that it stands for."""
    return (names[0] if len(names) == 1 else row[0], str(len(names)), *row[1:])


def _lines(rows: Sequence[Row]) -> list[str]:
    """Rows of text as aligned lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if head in RIGHT else cell.ljust(width)
            for head, cell, width in zip(rows[0], row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
