"""What a pass is: a frozen dataclass whose fields are its options and whose one method maps networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from nfc.diagnostics import Sink
from nfc.ir.network import Network


@dataclass(frozen=True)
class Pass(ABC):
    """A step from a valid network to a valid network; it may leave the network as it is.

    Attributes:
        name: as messages and tables show it.
        after: names of passes that must stand before this one in a pipeline.
    """

    name: ClassVar[str]
    after: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def run(self, network: Network, sink: Sink) -> Network:
        """The network after this pass; findings for the user go into `sink`."""
