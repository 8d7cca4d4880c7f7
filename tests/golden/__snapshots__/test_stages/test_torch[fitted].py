# Compiled from fitted.nf by nfc 0.1.0.
# The source's digest is sha256:0169b4df526b67cce7967419ec1aaa5ead7d86c109c01e424c0bcf06a1d50e4d.

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "fitted.index.safetensors"
INDEX_DIGEST = "sha256:bc63ca5ab9ff998a07c22808aa09325fd2d8ccb5dcedf911a6e59abf10986570"


class Factor(nn.Module):
    """A sparse linear map of the last axis; `weight` holds its edges and nothing else.

    Subclasses multiply feature-first, [features, batch]. What they return is batch-first by shape
    and feature-first in memory, so the next factor reads it without a copy.
    """

    def __init__(self, in_features: int, out_features: int, shape: tuple[int, ...], bias: bool):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def add_table(self, name: str, table: Tensor) -> None:
        """Keep a table that moves with the module and stays out of its state dict."""
        if not self.weight.is_meta:
            table = table.to(self.weight.device)
        self.register_buffer(name, table, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x.reshape(-1, self.in_features).t()).t()
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, weights={self.weight.numel()}"


class StridedBlockLinear(Factor):
    """I ⊗ W ⊗ I, a butterfly's stage: output (g, j, s) reads the inputs (g, k, s) for all k.

    Indices have the digits group, block index and stride, the stride's changing fastest.
    """

    def __init__(self, groups: int, outputs: int, inputs: int, stride: int, bias: bool = False):
        shape = (groups, outputs, stride, inputs)
        super().__init__(groups * inputs * stride, groups * outputs * stride, shape, bias)
        self.digits = (groups, inputs, stride)

    def product(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, self.digits).transpose(1, 2)
        return (self.weight.transpose(1, 2) @ x).transpose(1, 2).flatten(0, 2)


class PaddedBlockLinear(Factor):
    """I ⊗ W ⊗ I cut to its first inputs and outputs, some edges missing.

    `live` marks the weights of edges that are there; the others are padding, zero for ever.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        digits: tuple[int, int, int, int],
        live: Tensor,
        bias: bool = False,
    ):
        super().__init__(in_features, out_features, tuple(live.shape), bias)
        self.groups, self.outputs, self.inputs, self.stride = digits
        self.add_table("live", live)

    def product(self, x: Tensor) -> Tensor:
        weight = (self.weight * self.live).view(self.groups, self.outputs, self.stride, self.inputs)
        x = F.pad(x, (0, 0, 0, self.groups * self.inputs * self.stride - self.in_features))
        x = x.unflatten(0, (self.groups, self.inputs, self.stride)).transpose(1, 2)
        y = (weight.transpose(1, 2) @ x).transpose(1, 2).flatten(0, 2)
        return y[: self.out_features]


class BlockSetLinear(Factor):
    """Dense blocks between sets of features: rows `row_sets[t]` read columns `col_sets[t]`."""

    def __init__(self, row_sets: Tensor, col_sets: Tensor, bias: bool = False):
        rows, width = row_sets.numel(), col_sets.shape[1]
        super().__init__(col_sets.numel(), rows, (rows, width), bias)
        self.add_table("row_sets", row_sets)
        self.add_table("col_sets", col_sets)
        self.add_table("places", row_sets.flatten().argsort())  # of the rows among the blocks' rows

    def product(self, x: Tensor) -> Tensor:
        weight = self.weight.index_select(0, self.row_sets.flatten())
        x = x.index_select(0, self.col_sets.flatten())
        weight = weight.unflatten(0, self.row_sets.shape)
        y = torch.bmm(weight, x.unflatten(0, self.col_sets.shape)).flatten(0, 1)
        return y.index_select(0, self.places)


class NeighbourLinear(Factor):
    """The same number of inputs for every output: output o reads the inputs `table[o]`."""

    def __init__(self, in_features: int, table: Tensor, bias: bool = False):
        super().__init__(in_features, len(table), tuple(table.shape), bias)
        self.add_table("table", table)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        weight = self.weight.to(x.dtype)
        x = x.contiguous()
        return F.embedding_bag(self.table, x, per_sample_weights=weight, mode="sum")


class CsrLinear(Factor):
    """Any pattern, in CSR: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`."""

    def __init__(self, in_features: int, indptr: Tensor, indices: Tensor, bias: bool = False):
        super().__init__(in_features, len(indptr) - 1, tuple(indices.shape), bias)
        self.add_table("indptr", indptr)
        self.add_table("indices", indices)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        return F.embedding_bag(
            self.indices,
            x.contiguous(),
            self.indptr,
            mode="sum",
            per_sample_weights=self.weight.to(x.dtype),
            include_last_offset=True,
        )


class Sum(nn.ModuleList):
    """Parts on the same input whose outputs add."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self
        return sum((part(x) for part in others), start=first(x))


class FabricLinear(nn.Module):
    """A linear layer whose matrix is a fabric: cascades and sums of factors."""

    def __init__(self, fabric: nn.Module, out_features: int, bias: bool = False):
        super().__init__()
        self.fabric = fabric
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.fabric(x)
        return y if self.bias is None else y + self.bias


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
    if key not in state_dict:
        raise RuntimeError(
            f"the state dict does not say its topology, as it has no key {key}: "
            f"{type(module).__name__} has {module.topology_digest}; "
            "if the weights are known to fit, add get_extra_state() of the module under that key"
        )


class Draws:
    """Initial weights, the same on every machine: a stream of random numbers for each weight.

    They are computed in float64 on the CPU and rounded once.
    """

    def __init__(self, seed: int):
        self.seed = seed
        self.stream = 0

    def numbers(self, count: int) -> Tensor:
        """Numbers of the next stream."""
        self.stream += 1
        return philox(self.seed, self.stream - 1, count)

    def uniform(self, weight: Tensor, std: float | Tensor) -> None:
        """Uniform with mean 0 and standard deviation `std`, one or an entry's own."""
        u = self.numbers(weight.numel()).view(weight.shape)
        weight.copy_(std * math.sqrt(3.0) * (2.0 * u - 1.0))


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


def load_tables() -> dict[str, Tensor]:
    """The tables in the index file beside this one, by the path of what they belong to."""
    with safe_open(str(Path(__file__).with_name(INDEX_FILE)), framework="pt") as file:
        found = (file.metadata() or {}).get("digest")
        if found != INDEX_DIGEST:
            raise RuntimeError(
                f"{INDEX_FILE} is not the file that was made with this module: "
                f"its tables have the digest {found}, not {INDEX_DIGEST}"
            )
        keys = file.keys()
        return {key: file.get_tensor(key) for key in keys}


class Fitted(Network):
    """Input [batch, 13], output [batch, 9]."""

    topology_digest = "sha256:c4be232c71f99d77a50c61d5b24851a0b11ccb771e33c3058ff02e3f79a2057a"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # via butterfly
        self.linear1 = FabricLinear(
            nn.Sequential(
                PaddedBlockLinear(13, 16, (8, 2, 2, 1), tables["linear1.fabric.0.live"]),
                PaddedBlockLinear(16, 16, (4, 2, 2, 2), tables["linear1.fabric.1.live"]),
                StridedBlockLinear(2, 2, 2, 4),
                PaddedBlockLinear(16, 11, (1, 2, 2, 8), tables["linear1.fabric.3.live"]),
            ),
            11,
            bias=True,
        )
        # via hypercube(depth=2)
        self.linear2 = FabricLinear(
            nn.Sequential(
                CsrLinear(
                    11, tables["linear2.fabric.0.indptr"], tables["linear2.fabric.0.indices"]
                ),
                NeighbourLinear(16, tables["linear2.fabric.1.table"]),
            ),
            7,
            bias=True,
        )
        # via benes
        self.linear3 = FabricLinear(
            nn.Sequential(
                PaddedBlockLinear(7, 16, (8, 2, 2, 1), tables["linear3.fabric.0.live"]),
                PaddedBlockLinear(16, 16, (4, 2, 2, 2), tables["linear3.fabric.1.live"]),
                PaddedBlockLinear(16, 16, (2, 2, 2, 4), tables["linear3.fabric.2.live"]),
                PaddedBlockLinear(16, 16, (1, 2, 2, 8), tables["linear3.fabric.3.live"]),
                PaddedBlockLinear(16, 16, (2, 2, 2, 4), tables["linear3.fabric.4.live"]),
                PaddedBlockLinear(16, 16, (4, 2, 2, 2), tables["linear3.fabric.5.live"]),
                PaddedBlockLinear(16, 10, (8, 2, 2, 1), tables["linear3.fabric.6.live"]),
            ),
            10,
            bias=True,
        )
        # via monarch
        self.linear4 = FabricLinear(
            nn.Sequential(
                PaddedBlockLinear(10, 12, (4, 3, 3, 1), tables["linear4.fabric.0.live"]),
                StridedBlockLinear(1, 3, 4, 3),
            ),
            9,
            bias=True,
        )
        # via clos(inputs=3)
        self.linear5 = FabricLinear(
            nn.Sequential(
                CsrLinear(9, tables["linear5.fabric.0.indptr"], tables["linear5.fabric.0.indices"]),
                PaddedBlockLinear(12, 12, (3, 4, 4, 1), tables["linear5.fabric.1.live"]),
                BlockSetLinear(
                    tables["linear5.fabric.2.row_sets"], tables["linear5.fabric.2.col_sets"]
                ),
            ),
            12,
            bias=True,
        )
        # via shuffle_exchange
        self.linear6 = FabricLinear(
            nn.Sequential(
                CsrLinear(
                    12, tables["linear6.fabric.0.indptr"], tables["linear6.fabric.0.indices"]
                ),
                CsrLinear(
                    16, tables["linear6.fabric.1.indptr"], tables["linear6.fabric.1.indices"]
                ),
                CsrLinear(
                    16, tables["linear6.fabric.2.indptr"], tables["linear6.fabric.2.indices"]
                ),
                NeighbourLinear(16, tables["linear6.fabric.3.table"]),
            ),
            5,
            bias=True,
        )
        # via torus(dims=2, depth=2)
        self.linear7 = FabricLinear(
            nn.Sequential(
                CsrLinear(5, tables["linear7.fabric.0.indptr"], tables["linear7.fabric.0.indices"]),
                CsrLinear(
                    16, tables["linear7.fabric.1.indptr"], tables["linear7.fabric.1.indices"]
                ),
            ),
            14,
            bias=True,
        )
        # via pixelfly(block=2, rank=1)
        self.linear8 = FabricLinear(
            Sum(
                [
                    NeighbourLinear(14, tables["linear8.fabric.0.table"]),
                    nn.Sequential(nn.Linear(14, 1, bias=False), nn.Linear(1, 6, bias=False)),
                ],
            ),
            6,
            bias=True,
        )
        # via band(width=1)
        self.linear9 = CsrLinear(6, tables["linear9.indptr"], tables["linear9.indices"], bias=True)
        # via block(size=3)
        self.linear10 = PaddedBlockLinear(15, 4, (5, 3, 3, 1), tables["linear10.live"], bias=True)
        # via diagonal
        self.linear11 = PaddedBlockLinear(4, 9, (9, 1, 1, 1), tables["linear11.live"], bias=True)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear1(x)
        x = F.relu(x)
        x = self.linear2(x)
        x = self.linear3(x)
        x = F.relu(x)
        x = self.linear4(x)
        x = self.linear5(x)
        x = self.linear6(x)
        x = self.linear7(x)
        x = self.linear8(x)
        x = self.linear9(x)
        x = self.linear10(x)
        return self.linear11(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Draw the weights anew; biases and shifts are 0, scales 1."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        tables = load_tables()
        draw = Draws(seed)
        for i, factor in enumerate(self.linear1.fabric[:2]):
            draw.uniform(factor.weight, std=tables[f"linear1.fabric.{i}.weight.std"])
        draw.uniform(self.linear1.fabric[2].weight, std=0.7071067811865476)
        draw.uniform(self.linear1.fabric[3].weight, std=tables["linear1.fabric.3.weight.std"])
        for i, factor in enumerate(self.linear2.fabric):
            draw.uniform(factor.weight, std=tables[f"linear2.fabric.{i}.weight.std"])
        draw.uniform(self.linear3.fabric[0].weight, std=tables["linear3.fabric.0.weight.std"])
        for factor in self.linear3.fabric[1:3]:
            draw.uniform(factor.weight, std=0.7071067811865476 * factor.live.double())
        draw.uniform(self.linear3.fabric[3].weight, std=1.0 * self.linear3.fabric[3].live.double())
        for i, factor in enumerate(self.linear3.fabric[4:6], 4):
            draw.uniform(factor.weight, std=tables[f"linear3.fabric.{i}.weight.std"])
        draw.uniform(self.linear3.fabric[6].weight, std=1.0 * self.linear3.fabric[6].live.double())
        draw.uniform(self.linear4.fabric[0].weight, std=tables["linear4.fabric.0.weight.std"])
        draw.uniform(self.linear4.fabric[1].weight, std=0.5)
        draw.uniform(self.linear5.fabric[0].weight, std=0.5773502691896257)
        draw.uniform(
            self.linear5.fabric[1].weight,
            std=0.5773502691896257 * self.linear5.fabric[1].live.double(),
        )
        draw.uniform(self.linear5.fabric[2].weight, std=0.5773502691896257)
        draw.uniform(self.linear6.fabric[0].weight, std=tables["linear6.fabric.0.weight.std"])
        draw.uniform(self.linear6.fabric[1].weight, std=0.7071067811865476)
        for i, factor in enumerate(self.linear6.fabric[2:], 2):
            draw.uniform(factor.weight, std=tables[f"linear6.fabric.{i}.weight.std"])
        for i, factor in enumerate(self.linear7.fabric):
            draw.uniform(factor.weight, std=tables[f"linear7.fabric.{i}.weight.std"])
        draw.uniform(self.linear8.fabric[0].weight, std=tables["linear8.fabric.0.weight.std"])
        draw.uniform(self.linear8.fabric[1][0].weight, std=0.2672612419124244)
        draw.uniform(self.linear8.fabric[1][1].weight, std=0.7071067811865476)
        draw.uniform(self.linear9.weight, std=tables["linear9.weight.std"])
        draw.uniform(self.linear10.weight, std=tables["linear10.weight.std"])
        draw.uniform(self.linear11.weight, std=1.0 * self.linear11.live.double())
# table linear1.fabric.0.live: bool [8, 2, 2]
# table linear1.fabric.0.weight.std: float64 [8, 2, 2]
# table linear1.fabric.1.live: bool [4, 2, 2, 2]
# table linear1.fabric.1.weight.std: float64 [4, 2, 2, 2]
# table linear1.fabric.3.live: bool [1, 2, 8, 2]
# table linear1.fabric.3.weight.std: float64 [1, 2, 8, 2]
# table linear10.live: bool [5, 3, 3]
# table linear10.weight.std: float64 [5, 3, 3]
# table linear11.live: bool [9, 1, 1]
# table linear2.fabric.0.indices: int32 [54]
# table linear2.fabric.0.indptr: int32 [17]
# table linear2.fabric.0.weight.std: float64 [54]
# table linear2.fabric.1.table: int32 [7, 5]
# table linear2.fabric.1.weight.std: float64 [7, 5]
# table linear3.fabric.0.live: bool [8, 2, 2]
# table linear3.fabric.0.weight.std: float64 [8, 2, 2]
# table linear3.fabric.1.live: bool [4, 2, 2, 2]
# table linear3.fabric.2.live: bool [2, 2, 4, 2]
# table linear3.fabric.3.live: bool [1, 2, 8, 2]
# table linear3.fabric.4.live: bool [2, 2, 4, 2]
# table linear3.fabric.4.weight.std: float64 [2, 2, 4, 2]
# table linear3.fabric.5.live: bool [4, 2, 2, 2]
# table linear3.fabric.5.weight.std: float64 [4, 2, 2, 2]
# table linear3.fabric.6.live: bool [8, 2, 2]
# table linear4.fabric.0.live: bool [4, 3, 3]
# table linear4.fabric.0.weight.std: float64 [4, 3, 3]
# table linear5.fabric.0.indices: int32 [27]
# table linear5.fabric.0.indptr: int32 [13]
# table linear5.fabric.1.live: bool [3, 4, 4]
# table linear5.fabric.2.col_sets: int32 [4, 3]
# table linear5.fabric.2.row_sets: int32 [4, 3]
# table linear6.fabric.0.indices: int32 [12]
# table linear6.fabric.0.indptr: int32 [17]
# table linear6.fabric.0.weight.std: float64 [12]
# table linear6.fabric.1.indices: int32 [16]
# table linear6.fabric.1.indptr: int32 [17]
# table linear6.fabric.2.indices: int32 [12]
# table linear6.fabric.2.indptr: int32 [17]
# table linear6.fabric.2.weight.std: float64 [12]
# table linear6.fabric.3.table: int32 [5, 2]
# table linear6.fabric.3.weight.std: float64 [5, 2]
# table linear7.fabric.0.indices: int32 [25]
# table linear7.fabric.0.indptr: int32 [17]
# table linear7.fabric.0.weight.std: float64 [25]
# table linear7.fabric.1.indices: int32 [57]
# table linear7.fabric.1.indptr: int32 [15]
# table linear7.fabric.1.weight.std: float64 [57]
# table linear8.fabric.0.table: int32 [6, 8]
# table linear8.fabric.0.weight.std: float64 [6, 8]
# table linear9.indices: int32 [17]
# table linear9.indptr: int32 [16]
# table linear9.weight.std: float64 [17]
