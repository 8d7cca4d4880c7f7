# Compiled from initialised.nf by nfc 0.1.0.
# The source's digest is sha256:4eba46f43ce608278997e55f63ceca381bc09affdb60d17076e4c8aec901b960.

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "initialised.index.safetensors"
INDEX_DIGEST = "sha256:6945d5e715c26ddac0d7ae2135bc6b2a35e0fe3c3ff65e12a42e568e735c1e54"


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


class BlockLinear(Factor):
    """A block-diagonal matrix of `groups` dense blocks, each outputs × inputs."""

    def __init__(self, groups: int, outputs: int, inputs: int, bias: bool = False):
        super().__init__(groups * inputs, groups * outputs, (groups, outputs, inputs), bias)
        self.blocks = (groups, inputs)

    def product(self, x: Tensor) -> Tensor:
        return torch.bmm(self.weight, x.unflatten(0, self.blocks)).flatten(0, 1)


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


class OrthogonalDraws(Draws):
    """Draws that can also be orthogonal."""

    def orthogonal(self, weight: Tensor, std: float, row_sets: Tensor | None = None) -> None:
        """Blocks [..., height, width] with orthonormal rows or columns (Haar), times `std`.

        With `row_sets` block t lies in the rows `row_sets[t]` of the weight.
        """
        shape = weight.shape if row_sets is None else (*row_sets.shape, weight.shape[-1])
        height, width = shape[-2:]
        tall, thin = max(height, width), min(height, width)
        blocks, upper = torch.linalg.qr(self.normal(weight.numel()).view(-1, tall, thin))
        blocks = blocks * torch.where(upper.diagonal(dim1=1, dim2=2) < 0.0, -1.0, 1.0)[:, None]
        values = std * (blocks if height >= width else blocks.mT).reshape(shape)
        if row_sets is None:
            weight.copy_(values)
        else:
            weight[row_sets] = values.to(weight)

    def normal(self, count: int) -> Tensor:
        """Standard normal numbers by Box and Muller."""
        u = self.numbers(2 * ((count + 1) // 2)).view(-1, 2)
        radius, angle = torch.sqrt(-2.0 * torch.log(u[:, 0])), 2.0 * math.pi * u[:, 1]
        pairs = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
        return pairs.flatten()[:count]


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


class Initialised(Network):
    """Input [batch, 16], output [batch, 9]."""

    topology_digest = "sha256:93c2f3450767805b61ce5fde30b909f98c7ab9496585b77bc481112ece484ceb"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # via butterfly
        self.linear1 = FabricLinear(
            nn.Sequential(
                BlockLinear(8, 2, 2),
                StridedBlockLinear(4, 2, 2, 2),
                StridedBlockLinear(2, 2, 2, 4),
                StridedBlockLinear(1, 2, 2, 8),
            ),
            16,
            bias=True,
        )
        # via parallel(2, monarch)
        self.linear2 = FabricLinear(
            Sum(
                nn.Sequential(BlockLinear(4, 4, 4), StridedBlockLinear(1, 4, 4, 4))
                for _ in range(2)
            ),
            16,
            bias=True,
        )
        self.linear3 = nn.Linear(16, 12)
        # via small_world(fan_in=5)
        self.linear4 = NeighbourLinear(12, tables["linear4.table"], bias=True)
        # via bernoulli(density=40%)
        self.linear5 = CsrLinear(12, tables["linear5.indptr"], tables["linear5.indices"], bias=True)
        # via bernoulli(density=60%, seed=9)
        self.linear6 = CsrLinear(12, tables["linear6.indptr"], tables["linear6.indices"], bias=True)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear1(x)
        x = F.relu(x)
        x = self.linear2(x)
        x = F.gelu(x)
        x = self.linear3(x)
        x = F.leaky_relu(x, 0.01)
        x = self.linear4(x)
        x = torch.tanh(x)
        x = self.linear5(x)
        x = torch.sigmoid(x)
        return self.linear6(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Draw the weights anew; biases and shifts are 0, scales 1."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        tables = load_tables()
        draw = OrthogonalDraws(seed)
        draw.orthogonal(self.linear1.fabric[0].weight, std=1.0)
        for factor in self.linear1.fabric[1:3]:
            draw.orthogonal(factor.weight.transpose(1, 2), std=1.0)
        draw.orthogonal(self.linear1.fabric[3].weight.transpose(1, 2), std=1.4142135623730951)
        for part in self.linear2.fabric:
            draw.orthogonal(part[0].weight, std=1.0)
            draw.orthogonal(part[1].weight.transpose(1, 2), std=1.0380407171924186)
        draw.uniform(self.linear3.weight, std=0.35353571424945884)
        draw.uniform(self.linear4.weight, std=tables["linear4.weight.std"])
        draw.uniform(self.linear5.weight, std=0.5329602738184075)
        draw.uniform(self.linear6.weight, std=tables["linear6.weight.std"])
# table linear4.table: int32 [12, 5]
# table linear4.weight.std: float64 [12, 5]
# table linear5.indices: int32 [54]
# table linear5.indptr: int32 [13]
# table linear6.indices: int32 [78]
# table linear6.indptr: int32 [10]
# table linear6.weight.std: float64 [78]
