# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""State and initial weights of emitted modules: what a module uses of this file is copied into it.

`nfc.backends.torch_library` reads this file as text; nothing here may use nfc, and lines stay under
100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "network.index.safetensors"
INDEX_DIGEST = "sha256:"


class Network(nn.Module):
    """A module whose state dict carries the digest of its topology, so that weights fit or fail."""

    topology_digest: str

    def __init__(self):
        super().__init__()
        self.register_load_state_dict_pre_hook(require_digest)

    def get_extra_state(self) -> Tensor:
        return torch.tensor(list(self.topology_digest.encode()), dtype=torch.uint8, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        found = bytes(state.to(torch.uint8).tolist()).decode(errors="replace")
        if found != self.topology_digest:
            raise RuntimeError(
                f"these weights belong to another topology: {type(self).__name__} "
                f"has {self.topology_digest}, but the state dict has {found}"
            )


def require_digest(module: Network, state_dict: dict, prefix: str, *others) -> None:
    """Refuse a state dict without the digest of its topology, with strict=False too."""
    key = f"{prefix}_extra_state"
    if key in state_dict:
        return
    ends = (name.removesuffix(key) for name in state_dict if name.endswith(f".{key}"))
    wrapper = next(ends, "")
    if wrapper and all(name.startswith(wrapper) for name in state_dict):
        raise RuntimeError(
            f"the keys of the state dict start with {wrapper}, which a wrapper of the module adds: "
            f'strip it, as in {{key.removeprefix("{wrapper}"): value for key, value in ...}}'
        )
    raise RuntimeError(
        f"the state dict does not say its topology, as it has no key {key}: "
        f"{type(module).__name__} has {module.topology_digest}; "
        "if the weights are known to fit, add get_extra_state() of the module under that key"
    )


class Draws:
    """Initial weights, the same on every machine: a stream of random numbers for each weight.

    They are computed in float64 on the CPU and rounded once.
    """

    def __init__(self, network: nn.Module, seed: int):
        self.network = network
        self.seed = seed
        self.stream = 0

    def weight(self, name: str) -> Tensor:
        """A parameter; the entries of a convolution's kernels stand side by side on its last axis."""
        weight = self.network.get_parameter(name)
        module = self.network.get_submodule(name.rpartition(".")[0])
        return weight.flatten(-3) if hasattr(module, "kernel_size") else weight

    def uniform(self, name: str, std: float | Tensor) -> None:
        """The parameter uniform, with mean 0 and this standard deviation."""
        weight = self.weight(name)
        u = self.numbers(weight.numel()).view(weight.shape)
        weight.copy_(std * math.sqrt(3.0) * (2.0 * u - 1.0))

    def sign(self, name: str, std: float | Tensor) -> None:
        """A weight of blocks [..., height, width] with random signs, times `std`.

        Half of the weights of an input are negative.
        """
        weight = self.weight(name)
        u = self.numbers(weight.numel()).view(weight.shape)
        axis = 0 if weight.dim() == 2 else 1
        rank = u.argsort(dim=axis, stable=True).argsort(dim=axis)
        weight.copy_(std * halved_signs(u, rank, weight.shape[axis]))

    def sign_edges(self, name: str, std: float | Tensor, inputs: Tensor) -> None:
        """A weight of random signs, times `std`, whose edges read these inputs, [edges] in any shape.

        Half of the weights of an input are negative.
        """
        weight = self.weight(name)
        u = self.numbers(weight.numel())
        area = len(u) // max(1, inputs.numel())
        group = inputs.flatten().long()[:, None] * area + torch.arange(area, device="cpu")
        group = group.flatten()
        order = ((group << 32) + (u * 2.0**32).long()).argsort(stable=True)
        sizes = group.bincount()
        rank = torch.empty_like(group)
        first = sizes.cumsum(0) - sizes
        rank[order] = torch.arange(len(u), device="cpu") - first[group[order]]
        signs = halved_signs(u, rank, sizes[group])
        weight.copy_(std * signs.view(weight.shape))

    def orthogonal(self, name: str, std: float | Tensor) -> None:
        """A weight of blocks [..., height, width] with orthonormal rows or columns, times `std`."""
        weight = self.weight(name)
        weight.copy_(std * self.blocks(weight.shape))

    def orthogonal_strided(self, name: str, std: float | Tensor) -> None:
        """A weight [groups, height, stride, width] with such blocks."""
        weight = self.weight(name)
        groups, height, stride, width = weight.shape
        weight.copy_(std * self.blocks((groups, stride, height, width)).transpose(1, 2))

    def orthogonal_sets(self, name: str, std: float | Tensor) -> None:
        """A weight with such blocks, block t in the rows `row_sets[t]`."""
        weight = self.weight(name)
        row_sets = load_tables()[f"{name.removesuffix('weight')}row_sets"]
        rows = self.blocks((*row_sets.shape, weight.shape[-1])).flatten(0, 1)
        weight.copy_(std * rows[row_sets.flatten().argsort()])

    def orthogonal_cut(self, name: str, std: float | Tensor) -> None:
        """A weight with such blocks, of which rows and columns are missing."""
        weight, path = self.weight(name), name.removesuffix(".weight")
        places, stage = load_tables()[f"{path}.places"], self.stage_of(path)
        numbers = self.normal(weight.numel())
        values = torch.empty_like(numbers)
        for first, edges in cut_blocks(places.long(), stage, len(numbers) // len(places)):
            order = torch.arange(edges[0].numel(), device="cpu")
            values[edges] = orthonormal(numbers[first[:, None] + order], edges.shape)
        weight.copy_(std * values)

    def blocks(self, shape: tuple[int, ...]) -> Tensor:
        """Blocks of the next stream, evenly distributed (Haar), [..., height, width]."""
        return orthonormal(self.normal(math.prod(shape)), shape)

    def by_row(self, name: str) -> Tensor:
        """Standard deviations of a weight's entries: their row's."""
        return torch.sqrt(self.of_rows(name, "scale"))

    def by_degrees(self, name: str) -> Tensor:
        """Standard deviations of a weight's entries, from the edges of their row and column."""
        degrees = self.of_rows(name, "fan_in") + self.of_columns(name, "fan_out")
        return torch.sqrt(self.of_rows(name, "scale") * (2.0 / degrees))

    def separable(self, name: str) -> Tensor:
        """Standard deviations of a weight's entries: a number of their row by one of their column."""
        return torch.sqrt(self.of_rows(name, "scale") * self.of_columns(name, "v"))

    def floored(self, name: str) -> Tensor:
        """Standard deviations of a weight's entries, as `separable` inside blocks, on a floor."""
        inside = self.of_rows(name, "row_block") == self.of_columns(name, "column_block")
        product = self.of_rows(name, "u") * self.of_columns(name, "v")
        floor = torch.minimum(self.of_rows(name, "p"), self.of_columns(name, "q"))
        return torch.sqrt(self.of_rows(name, "scale") * (product.where(inside, 0.0) + floor))

    def of_rows(self, name: str, numbers: str) -> Tensor:
        """The number of its row for each entry of a weight."""
        weight, path = self.weight(name), name.removesuffix("weight")
        tables, table = load_tables(), load_tables()[f"{name}.{numbers}"]
        if f"{path}indptr" in tables:
            return spread_over(weight, table.repeat_interleave(tables[f"{path}indptr"].diff()))
        if f"{path}places" in tables:
            _, _, inputs, _ = self.stage_of(path.removesuffix("."))
            return spread_over(weight, table[tables[f"{path}places"].long() // inputs])
        return spread_over(weight, table)

    def of_columns(self, name: str, numbers: str) -> Tensor:
        """The number of its column for each entry of a weight."""
        table = load_tables()[f"{name}.{numbers}"]
        return spread_over(self.weight(name), table[self.edge_inputs(name)])

    def edge_inputs(self, name: str) -> Tensor:
        """The input that each edge of a weight reads, by its tables."""
        tables, path = load_tables(), name.removesuffix("weight")
        for table in ("indices", "table"):
            if f"{path}{table}" in tables:
                return tables[f"{path}{table}"].long()
        _, outputs, inputs, stride = self.stage_of(path.removesuffix("."))
        places = tables[f"{path}places"].long()
        group, lane = places // (inputs * outputs * stride), places // inputs % stride
        return (group * inputs + places % inputs) * stride + lane

    def set_inputs(self, name: str) -> Tensor:
        """The inputs of each row's weights: block t reads `col_sets[t]` for the rows `row_sets[t]`."""
        tables, path = load_tables(), name.removesuffix("weight")
        row_sets, col_sets = tables[f"{path}row_sets"], tables[f"{path}col_sets"]
        blocks = row_sets.flatten().argsort() // row_sets.shape[1]
        return col_sets[blocks]

    def stage_of(self, path: str) -> tuple[int, int, int, int]:
        """Groups, outputs, inputs and stride of the blocks that a layer was cut from."""
        return vars(self.network.get_submodule(path))["stage"]

    def normal(self, count: int) -> Tensor:
        """Standard normal numbers of the next stream, by Box and Muller."""
        u = self.numbers(2 * ((count + 1) // 2)).view(-1, 2)
        radius, angle = torch.sqrt(-2.0 * torch.log(u[:, 0])), 2.0 * math.pi * u[:, 1]
        pairs = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
        return pairs.flatten()[:count]

    def numbers(self, count: int) -> Tensor:
        """Numbers of the next stream, in (0, 1)."""
        self.stream += 1
        return philox(self.seed, self.stream - 1, count)


def halved_signs(u: Tensor, rank: Tensor, size: int | Tensor) -> Tensor:
    """-1 for numbers of a rank in the lower half of so many, 1 in the upper; u decides in the middle."""
    twice = 2 * rank + 1
    negative = (twice < size) | ((twice == size) & (u < 0.5))
    return torch.where(negative, -1.0, 1.0).double()


def spread_over(weight: Tensor, numbers: Tensor) -> Tensor:
    """Numbers of rows or of edges as those of a weight's entries, which are as many for each."""
    each = weight.numel() // max(1, numbers.numel())
    return numbers.flatten().repeat_interleave(each).view(weight.shape)


def orthonormal(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Blocks [..., height, width] with orthonormal rows or columns of standard normal numbers."""
    height, width = shape[-2:]
    blocks, upper = torch.linalg.qr(numbers.view(-1, max(height, width), min(height, width)))
    blocks = blocks * torch.where(upper.diagonal(dim1=1, dim2=2) < 0.0, -1.0, 1.0)[:, None]
    return (blocks if height >= width else blocks.mT).reshape(shape)


def cut_blocks(places: Tensor, stage: tuple[int, int, int, int], area: int):
    """The blocks of a factor that lacks edges, those of one size together.

    How many weights lie in the blocks before each, [blocks], and each block's own, [blocks, height,
    width]; an edge has `area` of them.
    """
    _, outputs, inputs, stride = stage
    row = places // inputs
    block = row // (outputs * stride) * stride + row % stride
    opens = row.diff(prepend=row.new_tensor([-1])) > 0
    sizes = block.bincount()
    heights = block[opens].bincount()
    order, first = block.argsort(stable=True), sizes.cumsum(0) - sizes
    for size, height in torch.stack([sizes, heights], dim=1)[sizes > 0].unique(dim=0).tolist():
        alike = first[(sizes == size) & (heights == height)]
        edges = order[alike[:, None] + torch.arange(size, device="cpu")]
        weights = edges[..., None] * area + torch.arange(area, device="cpu")
        yield alike * area, weights.view(len(alike), height, size // height * area)


def philox(seed: int, stream: int, count: int) -> Tensor:
    """`count` numbers in (0, 1), float64, by Philox4x32-10 (Salmon et al., SC 2011).

    The key is the seed; block k of four numbers has the counter (k, stream), both of 64 bits.
    """
    low = 0xFFFFFFFF
    block = torch.arange((count + 3) // 4, device="cpu")
    c0, c1 = block & low, block >> 32
    c2, c3 = torch.full_like(c0, stream & low), torch.full_like(c0, (stream >> 32) & low)
    k0, k1 = seed & low, (seed >> 32) & low
    for _ in range(10):
        high0, low0 = multiply(0xD2511F53, c0)
        high1, low1 = multiply(0xCD9E8D57, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    words = torch.stack([c0, c1, c2, c3], dim=1).flatten()[:count]
    return (words.double() + 0.5) * 2.0**-32


def multiply(constant: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """The high and the low 32 bits of a product of 32-bit numbers, within int64."""
    low, high = constant * (x & 0xFFFF), constant * (x >> 16)
    return (high + (low >> 16)) >> 16, (low + ((high & 0xFFFF) << 16)) & 0xFFFFFFFF


@cache
def load_tables() -> dict[str, Tensor]:
    """The tables in the index file beside this one, by the path of what they belong to."""
    with safe_open(str(Path(__file__).with_name(INDEX_FILE)), framework="pt", device="cpu") as file:
        found = (file.metadata() or {}).get("digest")
        if found != INDEX_DIGEST:
            raise RuntimeError(
                f"{INDEX_FILE} is not the file that was made with this module: "
                f"it says that its tables have the digest {found}, not {INDEX_DIGEST}"
            )
        keys = file.keys()
        return {key: file.get_tensor(key) for key in keys}


def under(tables: dict[str, Tensor], path: str) -> dict[str, Tensor]:
    """The tables of what lies under a path."""
    start = f"{path}."
    return {key[len(start) :]: table for key, table in tables.items() if key.startswith(start)}
