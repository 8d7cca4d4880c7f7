# Compiled from fitted.nf by nfc 0.1.0.
# The source's digest is sha256:0169b4df526b67cce7967419ec1aaa5ead7d86c109c01e424c0bcf06a1d50e4d.
# Its index tables lie beside this file, in fitted.index.safetensors.

import math
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "fitted.index.safetensors"
INDEX_DIGEST = "sha256:68974b858f2d01cebdcf8b6bd2344e19b7aac3341307c500c634259c358cd783"


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


class BlockSetLinear(TableFactor):
    """Dense blocks between sets of features: rows `row_sets[t]` read columns `col_sets[t]`."""

    row_sets: Tensor
    col_sets: Tensor
    inverse: Tensor

    def __init__(self, row_sets: Tensor, col_sets: Tensor, bias: bool = False):
        rows, width = row_sets.numel(), col_sets.shape[1]
        super().__init__(col_sets.numel(), rows, (rows, width), bias)
        inverse = row_sets.flatten().argsort()  # inverse permutation of the rows
        self.set_tables(row_sets=row_sets, col_sets=col_sets, inverse=inverse)

    def product(self, x: Tensor) -> Tensor:
        weight = self.weight.index_select(0, self.row_sets.flatten())
        x = x.index_select(0, self.col_sets.flatten())
        weight = weight.unflatten(0, self.row_sets.shape)
        y = torch.bmm(weight, x.unflatten(0, self.col_sets.shape)).flatten(0, 1)
        return y.index_select(0, self.inverse)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={len(self.row_sets)}"


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


class Fitted(Network):
    """Input [batch, 13], output [batch, 9].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:c4be232c71f99d77a50c61d5b24851a0b11ccb771e33c3058ff02e3f79a2057a"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        # topology: butterfly
        self.linear1 = FabricLinear(
            nn.Sequential(
                PartialBlockLinear(13, 16, (8, 2, 2, 1), tables["linear1.fabric.0.places"]),
                PartialBlockLinear(16, 16, (4, 2, 2, 2), tables["linear1.fabric.1.places"]),
                StridedBlockLinear(2, 2, 2, 4),
                PartialBlockLinear(16, 11, (1, 2, 2, 8), tables["linear1.fabric.3.places"]),
            ),
            11,
            bias=True,
        )
        # topology: hypercube(depth=2)
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
        # topology: benes
        self.linear3 = FabricLinear(
            nn.Sequential(
                PartialBlockLinear(7, 16, (8, 2, 2, 1), tables["linear3.fabric.0.places"]),
                PartialBlockLinear(16, 16, (4, 2, 2, 2), tables["linear3.fabric.1.places"]),
                PartialBlockLinear(16, 16, (2, 2, 2, 4), tables["linear3.fabric.2.places"]),
                PartialBlockLinear(16, 16, (1, 2, 2, 8), tables["linear3.fabric.3.places"]),
                PartialBlockLinear(16, 16, (2, 2, 2, 4), tables["linear3.fabric.4.places"]),
                PartialBlockLinear(16, 16, (4, 2, 2, 2), tables["linear3.fabric.5.places"]),
                PartialBlockLinear(16, 10, (8, 2, 2, 1), tables["linear3.fabric.6.places"]),
            ),
            10,
            bias=True,
        )
        # topology: monarch
        self.linear4 = FabricLinear(
            nn.Sequential(
                PartialBlockLinear(10, 12, (4, 3, 3, 1), tables["linear4.fabric.0.places"]),
                StridedBlockLinear(1, 3, 4, 3),
            ),
            9,
            bias=True,
        )
        # topology: clos(inputs=3)
        self.linear5 = FabricLinear(
            nn.Sequential(
                CsrLinear(9, tables["linear5.fabric.0.indptr"], tables["linear5.fabric.0.indices"]),
                PartialBlockLinear(12, 12, (3, 4, 4, 1), tables["linear5.fabric.1.places"]),
                BlockSetLinear(
                    tables["linear5.fabric.2.row_sets"], tables["linear5.fabric.2.col_sets"]
                ),
            ),
            12,
            bias=True,
        )
        # topology: shuffle_exchange
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
        # topology: torus(dims=2, depth=2)
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
        # topology: pixelfly(block=2, rank=1)
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
        # topology: band(width=1)
        self.linear9 = CsrLinear(6, tables["linear9.indptr"], tables["linear9.indices"], bias=True)
        # topology: block(size=3)
        self.linear10 = PartialBlockLinear(
            15, 4, (5, 3, 3, 1), tables["linear10.places"], bias=True
        )
        # topology: diagonal
        self.linear11 = PartialBlockLinear(4, 9, (9, 1, 1, 1), tables["linear11.places"], bias=True)
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
        """Set the weights of `seed`, biases to 0."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        for i in range(2):
            draw.uniform_each(f"linear1.fabric.{i}.weight")
        draw.uniform("linear1.fabric.2.weight", std=0.7071067811865476)
        draw.uniform_each("linear1.fabric.3.weight")
        for i in range(2):
            draw.uniform_each(f"linear2.fabric.{i}.weight")
        draw.uniform_each("linear3.fabric.0.weight")
        for i in range(1, 3):
            draw.uniform(f"linear3.fabric.{i}.weight", std=0.7071067811865476)
        draw.uniform("linear3.fabric.3.weight", std=1.0)
        for i in range(4, 6):
            draw.uniform_each(f"linear3.fabric.{i}.weight")
        draw.uniform("linear3.fabric.6.weight", std=1.0)
        draw.uniform_each("linear4.fabric.0.weight")
        draw.uniform("linear4.fabric.1.weight", std=0.5)
        for i in range(3):
            draw.uniform(f"linear5.fabric.{i}.weight", std=0.5773502691896257)
        draw.uniform_each("linear6.fabric.0.weight")
        draw.uniform("linear6.fabric.1.weight", std=0.7071067811865476)
        for i in range(2, 4):
            draw.uniform_each(f"linear6.fabric.{i}.weight")
        for i in range(2):
            draw.uniform_each(f"linear7.fabric.{i}.weight")
        draw.uniform_each("linear8.fabric.0.weight")
        draw.uniform("linear8.fabric.1.0.weight", std=0.2672612419124244)
        draw.uniform("linear8.fabric.1.1.weight", std=0.7071067811865476)
        draw.uniform_each("linear9.weight")
        draw.uniform_each("linear10.weight")
        draw.uniform("linear11.weight", std=1.0)
# table linear1.fabric.0.places: int32 [26]
# table linear1.fabric.0.weight.std: float64 [26]
# table linear1.fabric.1.places: int32 [28]
# table linear1.fabric.1.weight.std: float64 [28]
# table linear1.fabric.3.places: int32 [22]
# table linear1.fabric.3.weight.std: float64 [22]
# table linear10.places: int32 [12]
# table linear10.weight.std: float64 [12]
# table linear11.places: int32 [4]
# table linear2.fabric.0.indices: int32 [54]
# table linear2.fabric.0.indptr: int32 [17]
# table linear2.fabric.0.weight.std: float64 [54]
# table linear2.fabric.1.table: int32 [7, 5]
# table linear2.fabric.1.weight.std: float64 [7, 5]
# table linear3.fabric.0.places: int32 [14]
# table linear3.fabric.0.weight.std: float64 [14]
# table linear3.fabric.1.places: int32 [16]
# table linear3.fabric.2.places: int32 [16]
# table linear3.fabric.3.places: int32 [16]
# table linear3.fabric.4.places: int32 [24]
# table linear3.fabric.4.weight.std: float64 [24]
# table linear3.fabric.5.places: int32 [20]
# table linear3.fabric.5.weight.std: float64 [20]
# table linear3.fabric.6.places: int32 [20]
# table linear4.fabric.0.places: int32 [30]
# table linear4.fabric.0.weight.std: float64 [30]
# table linear5.fabric.0.indices: int32 [27]
# table linear5.fabric.0.indptr: int32 [13]
# table linear5.fabric.1.places: int32 [36]
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
