"""How figures are printed: Markdown tables, times and ratios with the digits that mean something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nfc.bench.machine import Machine


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (titles, rule, *rows))


def described(machine: Machine) -> str:
    """The machine in a line, without anything that names it."""
    memory = "" if machine.memory is None else f", {machine.memory / 2**30:.0f} GiB"
    versions = (("Python", machine.python), ("PyTorch", machine.torch), ("ONNX Runtime", machine.onnxruntime))
    runtimes = ", ".join(f"{name} {version}" for name, version in versions if version)
    return f"{machine.processor}, {machine.cores} cores{memory}, {machine.system}; {runtimes}"


def ratio(value: float) -> str:
    """Two digits or three that mean something, the leading zero left out: .0012, .045, .28, 1.03."""
    digits = 4 if value < 0.01 else 3 if value < 0.2 else 2
    return f"{value:.{digits}f}".removeprefix("0")


def milliseconds(seconds: float) -> str:
    """Three significant digits, without an exponent."""
    value = 1e3 * seconds
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"
