# Compiled from names.nf by nfc 0.1.0.
# The source's digest is sha256:00b64ed4b2fb49b4aac638bc99d152b70ece43719e8d964516a165541900ee4b.
# Its index tables lie beside this file, in class.index.safetensors.

import math
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "class.index.safetensors"
INDEX_DIGEST = "sha256:b1ab701d8a535004e932996f16245b45e754f015f39b4b88f340a5d507c13ed7"


class Factor(nn.Module):
    """A sparse linear map of the last axis; `weight` holds its edges and nothing else.

    Subclasses multiply feature-first, [features, batch]. What they return is batch-first by shape
    and feature-first in memory where they can, so that the next factor reads it without a copy.
    """

    def __init__(self, in_features: int, out_features: int, shape: tuple[int, ...], bias: bool):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def product(self, x: Tensor) -> Tensor:
        """The output [out_features, batch] for x [in_features, batch]."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        # A proxy of torch.fx is no tensor and has no sizes yet.
        if isinstance(x, Tensor) and x.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
            )
        # x[None] gives an empty batch strides that embedding_bag takes.
        y = self.product(x[None].reshape(-1, self.in_features).t()).t()
        y = y.reshape(x.shape[:-1] + (self.out_features,))
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, edges={self.weight.numel()}, bias={self.bias is not None}"


class DiagonalLinear(Factor):
    """Each feature times a weight of its own."""

    def __init__(self, shape: tuple[int, ...], bias: bool = False):
        features = math.prod(shape)
        super().__init__(features, features, shape, bias)

    def product(self, x: Tensor) -> Tensor:
        return self.weight.to(x.dtype).reshape(-1, 1) * x


class BlockLinear(Factor):
    """A block-diagonal matrix of `groups` dense blocks, each outputs × inputs."""

    def __init__(self, groups: int, outputs: int, inputs: int, bias: bool = False):
        super().__init__(groups * inputs, groups * outputs, (groups, outputs, inputs), bias)
        self.blocks = (groups, inputs)

    def product(self, x: Tensor) -> Tensor:
        return torch.bmm(self.weight, x.unflatten(0, self.blocks)).flatten(0, 1)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.blocks[0]}"


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

    def extra_repr(self) -> str:
        groups, _, stride = self.digits
        return f"{super().extra_repr()}, groups={groups}, stride={stride}"


class TableFactor(Factor):
    """A factor with tables: buffers on the weight's device that are in no state dict.

    The tables that it was made of are kept, so that a module moved off the meta device has them.
    """

    tables: dict[str, Tensor]

    def set_tables(self, **tables: Tensor) -> None:
        self.tables = tables
        self.place_tables()

    def place_tables(self) -> None:
        """Put the tables where the weight is."""
        for name, table in self.tables.items():
            self.register_buffer(name, table.to(self.weight.device), persistent=False)

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.place_tables()
        return self

    def _load_from_state_dict(self, *arguments):
        device = self.weight.device
        super()._load_from_state_dict(*arguments)
        if self.weight.device != device:  # load_state_dict(..., assign=True)
            self.place_tables()


class PartialBlockLinear(TableFactor):
    """I ⊗ W ⊗ I cut to its first inputs and outputs, some edges missing.

    `places` says where each weight lies among the flattened blocks; the rest of them is zero.
    """

    places: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        digits: tuple[int, int, int, int],
        places: Tensor,
        bias: bool = False,
    ):
        super().__init__(in_features, out_features, (len(places),), bias)
        self.groups, self.outputs, self.inputs, self.stride = digits
        self.set_tables(places=places)

    def product(self, x: Tensor) -> Tensor:
        shape = (self.groups, self.outputs, self.stride, self.inputs)
        blocks = self.weight.new_zeros(math.prod(shape)).index_add(0, self.places, self.weight)
        missing = self.groups * self.inputs * self.stride - self.in_features
        if missing:
            x = torch.cat([x, x.new_zeros(missing, 1).expand(-1, x.shape[1])])
        x = x.unflatten(0, (self.groups, self.inputs, self.stride)).transpose(1, 2)
        y = (blocks.view(shape).transpose(1, 2) @ x).transpose(1, 2).flatten(0, 2)
        return y[: self.out_features]

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}, stride={self.stride}"


class NeighbourLinear(TableFactor):
    """The same number of inputs for every output: output o reads the inputs `table[o]`."""

    table: Tensor

    def __init__(self, in_features: int, table: Tensor, bias: bool = False):
        super().__init__(in_features, len(table), tuple(table.shape), bias)
        self.set_tables(table=table)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        # embedding_bag takes weights of the rows' type alone, which autocast does not see to.
        return F.embedding_bag(
            self.table,
            x.contiguous(),
            mode="sum",
            per_sample_weights=self.weight.to(x.dtype),
        )


class FabricLinear(nn.Module):
    """A linear layer whose matrix is a fabric: cascades and sums of factors."""

    def __init__(self, fabric: nn.Module, out_features: int, bias: bool = False):
        super().__init__()
        self.fabric = fabric
        self.out_features = out_features
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.fabric(x)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        return f"out_features={self.out_features}, bias={self.bias is not None}"


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

    def uniform(self, name: str, std: float) -> None:
        """The parameter uniform, with mean 0 and this standard deviation."""
        weight = self.network.get_parameter(name)
        u = self.numbers(weight.numel()).view(weight.shape)
        weight.copy_(std * math.sqrt(3.0) * (2.0 * u - 1.0))

    def uniform_each(self, name: str) -> None:
        """The parameter uniform, with mean 0, each entry with a standard deviation of its own."""
        weight, std = self.network.get_parameter(name), load_tables()[f"{name}.std"]
        u = self.numbers(weight.numel()).view(weight.shape)
        weight.copy_(std * math.sqrt(3.0) * (2.0 * u - 1.0))

    def numbers(self, count: int) -> Tensor:
        """Numbers of the next stream, in (0, 1)."""
        self.stream += 1
        return philox(self.seed, self.stream - 1, count)


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


class Self(nn.Module):
    """Input [batch, 4], output [batch, 4]."""

    def __init__(self):
        super().__init__()
        # topology: butterfly
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
    """Input [batch, 6], output [batch, 2].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:9f45dac083e94e361121652e57039daa31063955071414d398360c616d4d4792"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # topology: diagonal
        self.forward_ = DiagonalLinear((6, 1, 1), bias=True)
        self.training_ = nn.BatchNorm1d(6)
        # topology: random(fan_in=2)
        self.none = NeighbourLinear(6, tables["none.table"], bias=True)
        self.torch = nn.Linear(6, 6)
        # topology: block(size=2)
        self.x = PartialBlockLinear(6, 5, (3, 2, 2, 1), tables["x.places"], bias=True)
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
        """Set the weights of `seed`, biases to 0, norms and their statistics as new ones."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        draw.uniform("forward_.weight", std=1.0)
        draw.uniform("none.weight", std=0.7071067811865476)
        draw.uniform("torch.weight", std=0.408248290463863)
        draw.uniform_each("x.weight")
        draw.uniform("_hidden.weight", std=0.4472135954999579)
        for i in range(2):
            draw.uniform(f"self.{i}.F.fabric.0.weight", std=0.7071067811865476)
            draw.uniform(f"self.{i}.F.fabric.1.weight", std=1.126094004987253)
        draw.uniform("weight.weight", std=0.5)
        draw.uniform("parameters_.project.weight", std=0.5)
        draw.uniform("parameters_.state_dict_.weight", std=0.5)
        draw.uniform("seed.weight", std=0.5773502691896257)
# table none.table: int32 [6, 2]
# table x.places: int32 [10]
# table x.weight.std: float64 [10]
