"""The results of `benchmarks.masks`, and their tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.report import markdown

GOAL = 4
"""Memory over the edge list, at most, until weights are drawn."""


@dataclass(frozen=True)
class Result:
    """What a stage took.

    Attributes:
        elaboration: seconds from the spec to the network's intermediate representation.
        elaborated: bytes of memory until then.
        seconds: of the stage itself.
        memory: bytes of memory in all.
        note: of a check the assertions that are refused, of ONNX the size of the file.
    """

    case: str
    stage: str
    width: int
    edges: int
    elaboration: float
    elaborated: int
    seconds: float
    memory: int
    note: str

    @property
    def list_bytes(self) -> int:
        return 8 * self.edges


def tables(results: list[Result]) -> Iterator[str]:
    """What is asked before weights are drawn, what they take, and, of several widths, how both grow."""
    checks = [result for result in results if result.stage == "check"]
    widest = list({result.case: result for result in checks}.values())
    if widest:
        yield checked(widest)
    compiled = [result for result in results if result.stage != "check"]
    if compiled:
        yield made(compiled)
    if len(checks) > len(widest):
        yield growth(checks)


def checked(results: list[Result]) -> str:
    """Elaboration and check."""
    titles = (
        "case",
        "edges",
        "edge list, MiB",
        "elaborate, s",
        "peak, MiB",
        "check, s",
        "peak, MiB",
        "over list",
        "",
    )
    return markdown(titles, [
        (
            result.case, f"{result.edges:,}", mebibytes(result.list_bytes),
            f"{result.elaboration:.1f}", mebibytes(result.elaborated), f"{result.seconds:.1f}", mebibytes(result.memory),
            f"{result.memory / result.list_bytes:.1f}", result.note or ("✓" if result.memory <= GOAL * result.list_bytes else "✗"),
        )
        for result in results
    ])  # fmt: skip


def made(results: list[Result]) -> str:
    """ONNX files and training steps."""
    by_case = {
        name: {r.stage: r for r in results if r.case == name}
        for name in dict.fromkeys(r.case for r in results)
    }
    titles = (
        "case",
        "ONNX, s",
        "peak, MiB",
        "file, MiB",
        "module and two steps, s",
        "peak, MiB",
        "second step, s",
    )
    return markdown(titles, [
        (case, *(text for stage in ("onnx", "train") for text in cells(stages.get(stage))))
        for case, stages in by_case.items()
    ])  # fmt: skip


def cells(result: Result | None) -> tuple[str, str, str]:
    if result is None:
        return "—", "—", "—"
    return f"{result.seconds:.1f}", mebibytes(result.memory), result.note


def mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f}"


def growth(results: list[Result]) -> str:
    """Elaboration and check over those at half the width."""
    titles = ("case", "width", "elaborate, s", "× half", "check, s", "× half", "peak, MiB", "× half")
    rows = []
    for narrow, wide in zip([None, *results], results, strict=False):
        half = narrow if narrow is not None and narrow.case == wide.case else None
        rows.append((
            wide.case, f"2^{wide.width.bit_length() - 1}",
            f"{wide.elaboration:.1f}", times(half and half.elaboration, wide.elaboration),
            f"{wide.seconds:.1f}", times(half and half.seconds, wide.seconds),
            mebibytes(wide.memory), times(half and half.memory, wide.memory),
        ))  # fmt: skip
    return markdown(titles, rows)


def times(half: float | None, whole: float) -> str:
    return "" if half is None else f"{whole / half:.1f}"
