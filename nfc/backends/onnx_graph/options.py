"""What a caller may choose about an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.defaults import BATCH
from nfc.diagnostics import Sink, did_you_mean
from nfc.lowering.target import DENSE_LIMIT

SPARSE_FORMS = ("delta", "constant", "initializer", "dense")
DTYPES = ("float32", "float16")
OPSETS = range(18, 27)
"""From the first whose `Pad`, `ReduceMean` and `ScatterElements` are used, to the last that ONNX Runtime 1.31 runs."""

FILE_LIMIT = 2**31 - 2**20
"""Protobuf's limit for one message, 2 GiB, less room for the model's own fields."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The choices, and the bounds that the choices of storage obey.

    Attributes:
        sparse: one of SPARSE_FORMS, for weights without structure.
        dtype: one of DTYPES, in which factors' weights are stored.
        opset: one of OPSETS.
        batch: samples that run at once; layouts and forms are chosen for it, and work at every other.
        optimised: whether the plan's kernels are choices (`nfc.lowering.optimise`), to be taken literally:
            a `Scattered` is a dense matrix, a bare `Sparse` or `Neighbours` gathers its inputs. If not,
            these are dense matrices too, up to `dense_limit`.
        dense_limit: bytes of a dense float32 matrix past which a sparse one is never decoded into it.
        file_limit: bytes that the graph's nodes and tensors may take.
    """

    sparse: str = "delta"
    dtype: str = "float32"
    opset: int = 18
    batch: int = BATCH
    optimised: bool = False
    dense_limit: int = DENSE_LIMIT
    file_limit: int = FILE_LIMIT

    @property
    def half(self) -> bool:
        return self.dtype == "float16"

    @property
    def weight_bytes(self) -> int:
        return 2 if self.half else 4


def check_options(options: Options, sink: Sink) -> None:
    """NF620 for each choice that is not offered."""
    if options.opset not in OPSETS:
        wanted = f"opsets {OPSETS[0]} to {OPSETS[-1]}"
        sink.error("NF620", f"the ONNX writer knows {wanted}, found opset {options.opset}", None)
    if options.batch < 1:
        sink.error("NF620", f"an ONNX file is tuned for a batch of at least 1, found {options.batch}", None)
    for option, found, known in (("sparse", options.sparse, SPARSE_FORMS), ("dtype", options.dtype, DTYPES)):
        if found not in known:
            listed = f"{', '.join(f'`{name}`' for name in known[:-1])} or `{known[-1]}`"
            message = f"`{option}` of an ONNX file is {listed}, found `{found}`"
            sink.error("NF620", message, None, hints=did_you_mean(str(found), known))
