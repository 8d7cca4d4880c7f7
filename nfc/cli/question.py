"""What `nfc search` is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

OF_A_PLACE = {
    "cols": "--in",
    "rows": "--out",
    "file": "--file",
    "least": "--min-params",
    "depth": "--depth",
    "fan_in": "--fan-in",
    "seconds": "--time",
    "connected": "--connected",
    "plot": "--plot",
}
"""Options of a search for one place, by their names here."""

OF_A_NETWORK = {"by": "--by", "network": "--network"}
"""Options of dividing a network's budget."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """The options of `nfc search`; None for those that are not given.

    Attributes:
        params: the budget of weights.
        cols, rows: inputs and outputs of the place.
        file: whose topologies take part.
        least: fewest weights.
        seconds: of a predicted training step, at most.
        network_file, network, by: the network whose budget is divided, and which division is written.
        path, plot: where the winner is written, and drawn.
    """

    params: int
    cols: int | None
    rows: int | None
    file: str | None
    least: int | None
    depth: int | None
    fan_in: int | None
    seconds: float | None
    connected: bool
    families: tuple[str, ...]
    by: str | None
    path: str | None
    plot: str | None
    network_file: str | None
    network: str | None

    def refuse_unwritable(self, results: str | None) -> None:
        """Raises NfcError, NF750, before anything is searched, where its outcome or `results` could not be written."""
        from nfc.atomic import refuse_unwritable

        for path in filter(None, (self.path, self.plot)):
            if not Path(path).exists() or Path(path).is_file() or Path(path).is_dir():
                refuse_unwritable(Path(os.path.realpath(path)), path)
        if results is not None and not os.access(results, os.W_OK):
            refuse_unwritable(Path(os.path.realpath(results)), results)
