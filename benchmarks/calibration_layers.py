"""What the cost model is calibrated on: layers of one kernel each, in forms that it would choose and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from nfc.lowering import Target
from nfc.lowering.clusters import clustered
from nfc.lowering.fuse import fused, is_stage
from nfc.lowering.plan import BlockSets, Chain, Edgewise, Kernel, Neighbours, Scattered, Sparse

BATCHES = (1, 8, 64, 256)

Form = Callable[[Kernel, Target], Kernel]
"""The kernel that a layer is timed with, in place of the one that it is lowered to."""


@dataclass(frozen=True)
class Layer:
    """A linear layer of `inputs` and `outputs` features in a form, timed at `batches` where the runtime has it.

    `definition` is that of the mask in its topology, if there is one.
    """

    inputs: int
    outputs: int
    topology: str
    form: Form
    batches: tuple[int, ...] = BATCHES
    definition: str = ""

    @property
    def source(self) -> str:
        """The layer in the language."""
        via = self.topology
        return f"nf 1\n{self.definition}\nnetwork n {{ input {self.inputs}; linear {self.outputs} bias=false via {via} }}"

    @property
    def title(self) -> str:
        return f"{self.inputs} → {self.outputs} {self.topology} {self.form.__name__}"


def as_lowered(kernel: Kernel, target: Target) -> Kernel:
    return kernel


def in_groups_of(size: int) -> Form:
    """Stages of a cascade fused, `size` at a time."""

    def grouped(kernel: Kernel, target: Target) -> Kernel:
        assert isinstance(kernel, Chain)
        stages = [part for part in kernel.parts if is_stage(part)]
        groups = [stages[start : start + size] for start in range(0, len(stages), size)]
        return Chain(tuple(fused(group) if len(group) > 1 else group[0] for group in groups))

    grouped.__name__ = f"fused by {size}"
    return grouped


def by_edges(kernel: Kernel, target: Target) -> Kernel:
    assert isinstance(kernel, BlockSets)
    return Edgewise(kernel)


def dense_from_edges(kernel: Kernel, target: Target) -> Kernel:
    assert isinstance(kernel, Neighbours | Sparse)
    return Scattered(kernel)


def in_clusters(kernel: Kernel, target: Target) -> Kernel:
    assert isinstance(kernel, Neighbours | Sparse)
    found = clustered(kernel, target, below=float("inf"))
    assert found is not None
    return found


def block_sets(width: int, size: int, form: Form) -> Layer:
    """Blocks on the diagonal whose rows and columns are far from each other: steps go round in a width that is a power of 2."""
    condition = f"(o * 387 % {width}) // {size} == (i * 619 % {width}) // {size}"
    definition = f"mask apart{size}[o, i] = {condition}"
    return Layer(width, width, f"apart{size}", form, definition=definition)


def block_layers() -> Iterator[Layer]:
    """Blocks on the diagonal, and the same between index sets: what reordering features costs."""
    for width, size in product((256, 1024, 4096), (4, 8, 16, 32, 64)):
        yield Layer(width, width, f"block(size={size})", as_lowered)
        yield block_sets(width, size, as_lowered)


def calibration_layers(runtime: str) -> Iterator[Layer]:
    """The grid, the forms that the runtime has."""
    for width in (128, 256, 512, 1024, 2048, 4096):
        yield Layer(
            width, width, "dense", as_lowered, (1, 8, 64, 256) if width > 2000 else (1, 8, 64, 256, 512)
        )
    yield Layer(4096, 256, "dense", as_lowered)
    yield Layer(256, 4096, "dense", as_lowered)
    for width in (256, 1024, 4096):
        yield Layer(width, width, "diagonal", as_lowered)
        for size in (2, 4, 16, 32, 64, 128):
            yield Layer(width, width, f"block(size={size})", as_lowered)
        for size in (4, 8, 16, 32, 64):
            yield block_sets(width, size, as_lowered)
            if runtime == "torch":
                yield block_sets(width, size, by_edges)
        for radix in (4, 16):
            yield Layer(width, width, f"butterfly(radix={radix})", as_lowered)
        yield Layer(width, width, "monarch", as_lowered)
        for size in (2, 3, 4, 5, 6):
            yield Layer(width, width, "butterfly", in_groups_of(size))
        for fan_in in (4, 13, 40):
            yield Layer(width, width, f"random({fan_in})", as_lowered)
        yield Layer(width, width, "bernoulli(3%)", as_lowered)
        yield Layer(width, width, "diagonal + monarch", as_lowered)
        yield Layer(width, width, "shuffle_exchange(depth=1, radix=4)", as_lowered)
    yield Layer(1024, 1024, "butterfly", as_lowered)
    yield Layer(512, 512, "random(256)", as_lowered)
    yield Layer(1024, 1024, "random(102)", as_lowered)
    yield Layer(1024, 1024, "random(410)", as_lowered)
    yield Layer(1024, 4096, "random(20)", as_lowered)
    yield Layer(4096, 1024, "random(20)", as_lowered)
    if runtime == "torch":
        for width, fan_in in ((256, 80), (1024, 51), (1024, 410), (2048, 800)):
            yield Layer(width, width, f"random({fan_in})", dense_from_edges)
    else:
        for topology in ("torus", "band(8)", "small_world(8)"):
            yield Layer(1024, 1024, topology, in_clusters)
            yield Layer(4096, 4096, topology, in_clusters)
