"""What a file of ONNX may have been compiled with, as far as the file can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

from nfc.backends.onnx_graph.options import OPSETS, Options
from nfc.defaults import BATCH
from nfc.lowering.target import Target

BATCHES = (BATCH, 1, 2, 4, 8, 16, 32, 128, 256, 1024)
"""Batches that are tried for a file that does not say its own."""

MOST_DIGITS = 9
"""Decimal digits of a batch in a file's metadata."""


class Labelled(Protocol):
    """A file's labels and traits, which help to guess, no more."""

    @property
    def metadata(self) -> Mapping[str, str]: ...

    @property
    def opset(self) -> int: ...

    @property
    def half(self) -> bool:
        """Whether some numbers are stored as float16."""

    @property
    def operators(self) -> AbstractSet[str]:
        """The kinds of its nodes."""

    @property
    def has_sparse(self) -> bool:
        """Whether it has sparse initializers."""


@dataclass(frozen=True)
class Choices:
    """What a file may have been compiled with; `sparse` is None where no form was named."""

    sparse: str | None
    batch: int
    fuse: bool
    dtype: str
    opset: int

    @property
    def options(self) -> Options:
        options = Options(batch=self.batch, optimised=True, dtype=self.dtype, opset=self.opset)
        return options if self.sparse is None else replace(options, sparse=self.sparse)

    @property
    def target(self) -> Target:
        return Target(
            runtime="onnxruntime",
            batch=self.batch,
            fuse=self.fuse,
            gathers=self.sparse is None,
            weight_bytes=self.options.weight_bytes,
        )


def choices(file: Labelled) -> Iterator[Choices]:
    """What the file may have been compiled with, the likeliest first."""
    said = file.metadata.get("nfc.batch", "")
    known = int(said) if said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS else 0
    dtype = "float16" if file.half else "float32"
    opset = file.opset if file.opset in OPSETS else OPSETS[0]
    for batch in (known,) if known else BATCHES:
        for fuse in (True, False):
            for sparse in _forms(file):
                yield Choices(sparse, batch, fuse, dtype, opset)


def _forms(file: Labelled) -> tuple[str | None, ...]:
    if file.has_sparse:
        return ("initializer",)
    if "Constant" in file.operators:
        return ("constant",)
    if "ScatterElements" in file.operators:
        return (None, "delta", "constant", "initializer")
    return (None, "dense", "delta", "constant", "initializer")
