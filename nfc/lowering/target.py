"""What a plan is optimised for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nfc.defaults import BATCH

RUNTIMES = ("torch", "onnxruntime")

DENSE_LIMIT = 2**30


@dataclass(frozen=True, kw_only=True)
class Target:
    """A runtime, and what is known of the work that it will do.

    Attributes:
        runtime: one of RUNTIMES.
        batch: samples that run at once.
        fuse: whether neighbouring stages of a cascade may be multiplied out.
        backward: whether the time of forward and backward together decides, where the runtime trains.
        gathers: whether onnxruntime may gather the inputs of kernels without structure; if not, they are
            matrices, as far as these are within the limit.
        dense_limit: bytes of a float32 matrix past which a sparse one is not made dense.
        weight_bytes: bytes of a weight where it is stored.
    """

    runtime: str
    batch: int = BATCH
    fuse: bool = True
    backward: bool = True
    gathers: bool = True
    dense_limit: int = DENSE_LIMIT
    weight_bytes: int = 4

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise ValueError(f"expected a runtime among {', '.join(RUNTIMES)}, found {self.runtime}")
        if self.batch < 1:
            raise ValueError(f"expected a batch of at least 1, found {self.batch}")

    @property
    def mode(self) -> str:
        """Which of the runtime's times decides, `forward` or `training`."""
        return "training" if self.backward and self.runtime == "torch" else "forward"

    def on(self, positions: int) -> Target:
        """The target of a layer through which a sample goes so many times: they count as batch."""
        return replace(self, batch=self.batch * positions)
