# Compiled from names.nf by nfc 0.1.0.
# The source's digest is sha256:00b64ed4b2fb49b4aac638bc99d152b70ece43719e8d964516a165541900ee4b.

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "class.index.safetensors"
INDEX_DIGEST = "sha256:c877e98a98b4ec404992ecbecf7e57310bfcf15c65e5bf04732133fee44f0115"


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


class DiagonalLinear(Factor):
    """Each feature times a weight of its own."""

    def __init__(self, shape: tuple[int, ...], bias: bool = False):
        features = math.prod(shape)
        super().__init__(features, features, shape, bias)

    def product(self, x: Tensor) -> Tensor:
        return self.weight.reshape(-1, 1) * x


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


class Self(nn.Module):
    """Input [batch, 4], output [batch, 4]."""

    def __init__(self):
        super().__init__()
        # via butterfly
        self.F = FabricLinear(
            nn.Sequential(BlockLinear(2, 2, 2), StridedBlockLinear(1, 2, 2, 2)), 4, bias=True
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.F(x)
        return torch.tanh(x)


class Parameters(nn.Module):
    """Input [batch, 4], output [batch, 3]."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(4, 3, bias=False)
        self.state_dict_ = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.project(x)
        x = self.state_dict_(x)
        return shortcut + x


class Class(Network):
    """Input [batch, 6], output [batch, 2]."""

    topology_digest = "sha256:9f45dac083e94e361121652e57039daa31063955071414d398360c616d4d4792"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # via diagonal
        self.forward_ = DiagonalLinear((6, 1, 1), bias=True)
        self.training_ = nn.BatchNorm1d(6)
        # via random(fan_in=2)
        self.none = NeighbourLinear(6, tables["none.table"], bias=True)
        self.torch = nn.Linear(6, 6)
        # via block(size=2)
        self.x = PaddedBlockLinear(6, 5, (3, 2, 2, 1), tables["x.live"], bias=True)
        self._hidden = nn.Linear(5, 4)
        self.self = nn.ModuleList(Self() for _ in range(2))
        self.weight = nn.Linear(4, 4)
        self.parameters_ = Parameters()
        self.seed = nn.Linear(3, 2)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.forward_(x)
        x = self.training_(x)
        x = F.relu(x)
        x = self.none(x)
        x = self.torch(x)
        x = self.x(x)
        x = self._hidden(x)
        for block in self.self:
            x = block(x)
        x = self.weight(x)
        x = self.parameters_(x)
        return self.seed(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Draw the weights anew; biases and shifts are 0, scales 1."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        tables = load_tables()
        draw = Draws(seed)
        draw.uniform(self.forward_.weight, std=1.0)
        draw.uniform(self.none.weight, std=0.7071067811865476)
        draw.uniform(self.torch.weight, std=0.408248290463863)
        draw.uniform(self.x.weight, std=tables["x.weight.std"])
        draw.uniform(self._hidden.weight, std=0.4472135954999579)
        for copy in self.self:
            draw.uniform(copy.F.fabric[0].weight, std=0.7071067811865476)
            draw.uniform(copy.F.fabric[1].weight, std=1.126094004987253)
        draw.uniform(self.weight.weight, std=0.5)
        draw.uniform(self.parameters_.project.weight, std=0.5)
        draw.uniform(self.parameters_.state_dict_.weight, std=0.5)
        draw.uniform(self.seed.weight, std=0.5773502691896257)
# table none.table: int32 [6, 2]
# table x.live: bool [3, 2, 2]
# table x.weight.std: float64 [3, 2, 2]
