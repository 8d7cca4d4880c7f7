# Compiled from initialised.nf by nfc 0.1.0.
# The source's digest is sha256:4eba46f43ce608278997e55f63ceca381bc09affdb60d17076e4c8aec901b960.
# Its index tables lie beside this file, in initialised.index.safetensors.

import math
from functools import cache
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


class CsrLinear(TableFactor):
    """Any pattern, in CSR: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`."""

    indptr: Tensor
    indices: Tensor

    def __init__(self, in_features: int, indptr: Tensor, indices: Tensor, bias: bool = False):
        super().__init__(in_features, len(indptr) - 1, (len(indices),), bias)
        self.set_tables(indptr=indptr, indices=indices)

    def product(self, x: Tensor) -> Tensor:
        # A weighted bag of rows for each output: nothing of the size edges × batch is built.
        # embedding_bag takes weights of the rows' type alone, which autocast does not see to.
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
        return sum(part(x) for part in self)


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

    def orthogonal(self, name: str, std: float) -> None:
        """A weight of blocks [..., height, width] with orthonormal rows or columns."""
        weight = self.network.get_parameter(name)
        weight.copy_(self.blocks(weight.shape, std))

    def orthogonal_strided(self, name: str, std: float) -> None:
        """A weight [groups, height, stride, width] whose blocks have orthonormal rows or columns."""
        weight = self.network.get_parameter(name).transpose(1, 2)
        weight.copy_(self.blocks(weight.shape, std))

    def blocks(self, shape: tuple[int, ...], std: float) -> Tensor:
        """Blocks of the next stream, evenly distributed (Haar), times `std`, [..., height, width]."""
        height, width = shape[-2:]
        tall, thin = max(height, width), min(height, width)
        blocks, upper = torch.linalg.qr(self.normal(math.prod(shape)).view(-1, tall, thin))
        blocks = blocks * torch.where(upper.diagonal(dim1=1, dim2=2) < 0.0, -1.0, 1.0)[:, None]
        return std * (blocks if height >= width else blocks.mT).reshape(shape)

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


class Initialised(Network):
    """Input [batch, 16], output [batch, 9].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:93c2f3450767805b61ce5fde30b909f98c7ab9496585b77bc481112ece484ceb"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # topology: butterfly
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
        # topology: parallel(2, monarch)
        self.linear2 = FabricLinear(
            Sum(
                nn.Sequential(BlockLinear(4, 4, 4), StridedBlockLinear(1, 4, 4, 4))
                for _ in range(2)
            ),
            16,
            bias=True,
        )
        self.linear3 = nn.Linear(16, 12)
        # topology: small_world(fan_in=5)
        self.linear4 = NeighbourLinear(12, tables["linear4.table"], bias=True)
        # topology: bernoulli(density=40%)
        self.linear5 = CsrLinear(12, tables["linear5.indptr"], tables["linear5.indices"], bias=True)
        # topology: bernoulli(density=60%, seed=9)
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
        """Set the weights of `seed`, biases to 0."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        draw.orthogonal("linear1.fabric.0.weight", std=1.0)
        for i in range(1, 3):
            draw.orthogonal_strided(f"linear1.fabric.{i}.weight", std=1.0)
        draw.orthogonal_strided("linear1.fabric.3.weight", std=1.4142135623730951)
        for i in range(2):
            draw.orthogonal(f"linear2.fabric.{i}.0.weight", std=1.0)
            draw.orthogonal_strided(f"linear2.fabric.{i}.1.weight", std=1.0380407171924186)
        draw.uniform("linear3.weight", std=0.35353571424945884)
        draw.uniform_each("linear4.weight")
        draw.uniform("linear5.weight", std=0.5329602738184075)
        draw.uniform_each("linear6.weight")
# table linear4.table: int32 [12, 5]
# table linear4.weight.std: float64 [12, 5]
# table linear5.indices: int32 [54]
# table linear5.indptr: int32 [13]
# table linear6.indices: int32 [78]
# table linear6.indptr: int32 [10]
# table linear6.weight.std: float64 [78]
