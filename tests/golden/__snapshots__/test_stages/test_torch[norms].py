# Compiled from norms.nf by nfc 0.1.0.
# The source's digest is sha256:b0360dd2e57bad11ea60317c9fe59f704fb26965425d9f71c9c24441e247027e.
# Its index tables lie beside this file, in norms.index.safetensors.

import math
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "norms.index.safetensors"
INDEX_DIGEST = "sha256:7458f27639a5886441c18a2e93413558f586783f6e92e2f358d3b6c6aaa2d6e3"


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

    def feature_first(self, x: Tensor) -> Tensor:
        """The view [in_features, batch] of an input [..., in_features]."""
        # A proxy of torch.fx is no tensor and has no sizes yet.
        if isinstance(x, Tensor) and x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
            )
        if isinstance(x, Tensor) and not (x.is_floating_point() or x.is_complex()):
            raise TypeError(f"{type(self).__name__} expects floating point, found {x.dtype}")
        # x[None] gives an empty batch strides that embedding_bag takes.
        return x[None].reshape(-1, self.in_features).t()

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(self.feature_first(x)).t()
        y = y.reshape(x.shape[:-1] + (self.out_features,))
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, edges={self.weight.numel()}, bias={self.bias is not None}"


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


class Norms(Network):
    """Input [batch, 3, 6], output [batch, 4].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:5acdc4593ec10961a281e0430af1122677b3e95b2fb48e73c7cb6638959b7ce7"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        self.norm1 = nn.LayerNorm(6)
        # topology: monarch
        self.linear1 = FabricLinear(
            nn.Sequential(
                PartialBlockLinear(6, 8, (4, 2, 2, 1), tables["linear1.fabric.0.places"]),
                PartialBlockLinear(8, 8, (1, 4, 4, 2), tables["linear1.fabric.1.places"]),
            ),
            8,
            bias=True,
        )
        self.norm2 = nn.RMSNorm(8, eps=1e-05)
        self.norm3 = nn.BatchNorm1d(24)
        self.dropout1 = nn.Dropout(0.1)
        # topology: lowrank(rank=2)
        self.linear2 = FabricLinear(
            nn.Sequential(nn.Linear(24, 2, bias=False), nn.Linear(2, 4, bias=False)), 4, bias=True
        )
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x)
        x = self.linear1(x)
        x = self.norm2(x)
        x = F.gelu(x)
        x = x.flatten(1)
        x = self.norm3(x)
        x = self.dropout1(x)
        return self.linear2(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Set the weights of `seed`, biases to 0, norms and their statistics as new ones."""
        for module in self.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.LayerNorm, nn.RMSNorm)):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        draw.uniform("linear1.fabric.0.weight", std=0.7071067811865476)
        draw.uniform("linear1.fabric.1.weight", std=0.5773502691896257)
        draw.uniform("linear2.fabric.0.weight", std=0.2041241452319315)
        draw.uniform("linear2.fabric.1.weight", std=0.7071067811865476)
# table linear1.fabric.0.places: int32 [12]
# table linear1.fabric.1.places: int32 [24]
