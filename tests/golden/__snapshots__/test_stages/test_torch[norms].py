# Compiled from norms.nf by nfc 0.1.0.
# The source's digest is sha256:b0360dd2e57bad11ea60317c9fe59f704fb26965425d9f71c9c24441e247027e.
# Its index tables lie beside this file, in norms.index.safetensors.

import inspect
import math
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "norms.index.safetensors"
INDEX_DIGEST = "sha256:7458f27639a5886441c18a2e93413558f586783f6e92e2f358d3b6c6aaa2d6e3"


class Factor(nn.Module, ABC):
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

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """The output [out_features, batch] for x [in_features, batch]."""

    def feature_first(self, x: Tensor) -> Tensor:
        """The view [in_features, batch] of an input [..., in_features]."""
        if isinstance(x, Tensor):  # a proxy of torch.fx has no sizes yet
            if x.shape[-1:] != (self.in_features,):
                raise ValueError(
                    f"{type(self).__name__} expects [..., {self.in_features}], found {list(x.shape)}"
                )
            if not (x.is_floating_point() or x.is_complex()):
                raise TypeError(f"{type(self).__name__} expects floating point, found {x.dtype}")
            if x.dim() == 2:
                return x.t()
        return x.reshape(-1, self.in_features).t()

    def forward(self, x: Tensor) -> Tensor:
        return biased(batch_first(self.product(self.feature_first(x)), x), self.bias)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, edges={self.weight.numel()}, bias={self.bias is not None}"


def batch_first(y: Tensor, x: Tensor) -> Tensor:
    """The output y [features, batch] as [..., features], with the leading axes of the input x."""
    if isinstance(x, Tensor) and x.dim() == 2:
        return y.t()
    return y.t().reshape(x.shape[:-1] + (y.shape[0],))


def biased(y: Tensor, bias: Tensor | None) -> Tensor:
    """The output y and the bias, if there is one, in the type of y, which autocast chooses."""
    return y if bias is None else y + bias.to(y.dtype)


class WideningLinear(nn.Linear):
    """A dense matrix with few inputs that writes feature-first, as factors do: faster for a batch."""

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias
        if not simple(x, self.in_features) or len(x) < 16 or weight.dtype != x.dtype:
            return super().forward(x)
        return biased(torch.mm(weight, x.t()).t(), bias)


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
        self.stage = digits
        groups, outputs, _, stride = digits
        self.layout = Layout((groups, stride, outputs), (0, 2, 1)) if stride > 1 else None
        self.set_tables(places=places)

    def product(self, x: Tensor) -> Tensor:
        groups, outputs, inputs, stride = self.stage
        blocks = spread(self.weight, self.places, (groups, outputs, stride, inputs))
        missing = groups * inputs * stride - self.in_features
        if missing:
            x = torch.cat([x, x.new_zeros(missing, 1).expand(-1, x.shape[1])])
        blocks = blocks.transpose(1, 2).flatten(0, 1)
        return strided_product(blocks, x, self.stage, self.layout)[: self.out_features]

    def extra_repr(self) -> str:
        groups, _, _, stride = self.stage
        return f"{super().extra_repr()}, groups={groups}, stride={stride}"


class FabricLinear(nn.Module):
    """A linear layer whose matrix is a fabric: cascades and sums of factors."""

    def __init__(self, fabric: nn.Module, out_features: int, bias: bool = False):
        super().__init__()
        self.fabric = fabric
        self.out_features = out_features
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return biased(self.fabric(x), self.bias)

    def extra_repr(self) -> str:
        return f"out_features={self.out_features}, bias={self.bias is not None}"


class Layout:
    """Another order of features: they are cut into axes of some sizes, which then take a new order.

    Axes that follow those of the features, the `tail`, stay where they are.
    """

    def __init__(self, sizes: tuple[int, ...], order: tuple[int, ...]):
        self.sizes = sizes
        self.order = order
        self.ordered = tuple(sizes[axis] for axis in order)
        back = tuple(sorted(range(len(order)), key=order.__getitem__))
        tails = [tuple(range(len(order), len(order) + axes)) for axes in range(3)]
        self.forward, self.backward = ([axes + tail for tail in tails] for axes in (order, back))

    def of(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout, [*ordered, *tail]."""
        return x.reshape(self.sizes + tail).permute(self.forward[len(tail)])

    def back(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout as it was before, [*sizes, *tail]."""
        return x.reshape(self.ordered + tail).permute(self.backward[len(tail)])


def moved(
    x: Tensor,
    layout: Layout | None,
    shape: tuple[int, ...],
    tail: tuple[int, ...],
) -> Tensor:
    """A tensor [*features, *tail] as [*shape, *tail], in another layout if one is given."""
    return (x if layout is None else layout.of(x, tail)).reshape(shape + tail)


def last_product(blocks: Tensor, x: Tensor, layout: Layout | None = None) -> Tensor:
    """Features [features, batch], by batched products with x [blocks, inputs, batch].

    They are to be read batch-first from here on, in the layout if one is given.
    """
    if few(blocks, x):
        return applied(RowProduct, blocks, x, layout).t()
    if not (traced(x) or small(x)):
        return applied(LastProduct, blocks, x, layout).flatten(0, -2)
    # Compilers lay gradients out themselves, traces show plain operations, and small ones are fastest.
    y, features = torch.bmm(blocks, x).flatten(0, 1), blocks.shape[0] * blocks.shape[1]
    return moved(y, layout, (features,), (x.shape[-1],))


def strided_product(blocks: Tensor, x: Tensor, stage, layout: Layout | None) -> Tensor:
    """I ⊗ W ⊗ I times x [features, batch], for W's blocks [groups · stride, outputs, inputs].

    A stage is (groups, outputs, inputs, stride), and the layout makes strides the fastest digit.
    """
    groups, _, inputs, stride = stage
    # Strided rows are read in place, but no matrix product reads strided rows and columns.
    x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
    return last_product(blocks, x, layout)


def spread(weight: Tensor, places: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros with the weights among them: each at its place in the flattened tensor."""
    zeros = weight.new_zeros(math.prod(shape))
    return zeros.index_add_(0, places, weight.flatten()).view(shape)


def applied(function, *arguments):
    """`function.apply`, or what is faster: `apply` outlasts small products."""
    if differentiated():
        return function.apply(*arguments)
    if torch.is_grad_enabled():
        return function.direct.apply(*arguments)
    return function.forward(*arguments)


def direct(function):
    """An autograd.Function in the form that is applied in half the time, but not by torch.func."""

    class Direct(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *arguments):
            output = function.forward(*arguments)
            function.setup_context(ctx, arguments, output)
            return output

        backward = staticmethod(function.backward)

    return Direct


def with_signature(function):
    """Lets an autograd.Function's `forward` take any arguments: `apply` checks them, and is slow."""
    arguments = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
    function.forward.__signature__ = inspect.Signature([arguments])
    function.direct = direct(function)
    return function


@with_signature
class LastProduct(torch.autograd.Function):
    """See `last_product`.

    A gradient comes back batch-first. It is transposed once here; left as it is, the product would
    copy each of its little matrices.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(blocks: Tensor, x: Tensor, layout: Layout | None) -> Tensor:
        if layout is None:
            return torch.bmm(blocks, x)
        if layout.sizes == blocks.shape[:2] and large(x) and plain(x):
            # Each block is written where it belongs, which saves a pass over the memory.
            y = x.new_empty(layout.ordered + x.shape[-1:])
            torch.bmm(blocks, x, out=layout.back(y, x.shape[-1:]))
            return y
        y = torch.bmm(blocks, x)
        return layout.of(y, y.shape[-1:]).clone(memory_format=torch.contiguous_format)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        blocks, x, ctx.layout = inputs
        ctx.save_for_backward(blocks, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks, x = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        gradient = contiguous(gradient.flatten(0, -2))
        if ctx.layout is not None:
            gradient = ctx.layout.back(gradient, x.shape[-1:])
        gradient = gradient.reshape(*blocks.shape[:2], x.shape[-1])
        of_blocks = torch.bmm(gradient, x.mT) if ctx.needs_input_grad[0] else None
        of_x = torch.bmm(blocks.mT, gradient) if ctx.needs_input_grad[1] else None
        return of_blocks, of_x, None


@with_signature
class RowProduct(torch.autograd.Function):
    """See `last_product`; this returns [batch, features], and has products of few columns as rows.

    Matrix products have better loops for these, and batch-first features are read in place where
    those of a block lie side by side.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(blocks: Tensor, x: Tensor, layout: Layout | None) -> Tensor:
        y = torch.bmm(rows_of(x), blocks.mT).transpose(0, 1)
        if layout is not None:
            y = y.reshape(len(y), *layout.sizes).permute(0, *(axis + 1 for axis in layout.order))
        y = y.flatten(1)
        return y.clone() if y._is_view() else y  # else no one could change it in place

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        blocks, x, ctx.layout = inputs
        ctx.save_for_backward(blocks, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks, x = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        gradient = gradient.t()
        if ctx.layout is not None:
            gradient = ctx.layout.back(gradient, x.shape[-1:])
        gradient = gradient.reshape(*blocks.shape[:2], x.shape[-1])
        of_blocks = of_x = None
        if ctx.needs_input_grad[0]:
            outer = torch.mul if x.shape[-1] == 1 else torch.bmm
            of_blocks = outer(gradient, x.mT)
        if ctx.needs_input_grad[1]:
            of_x = torch.bmm(rows_of(gradient), blocks).mT
        return of_blocks, of_x, None


def few(blocks: Tensor, x: Tensor) -> bool:
    """Whether x [blocks, inputs, batch] has so few columns that they had better be rows."""
    if traced(x) or torch.jit.is_tracing() or not x.is_cpu:
        return False
    return x.shape[-1] < 16 and blocks.numel() >= 2**15


def rows_of(x: Tensor) -> Tensor:
    """The columns of x [blocks, inputs, batch] as rows that matrix products read fast."""
    rows = x.mT
    return rows if rows.stride(-1) == 1 else rows.contiguous()


def traced(x: Tensor) -> bool:
    """Whether x stands for numbers, as in torch.compile, torch.export, torch.fx and on meta."""
    plain = type(x) in (Tensor, nn.Parameter)
    return torch.compiler.is_compiling() or not plain or x.is_meta


def differentiated() -> bool:
    """Whether calls are transformed by torch.func, or tangents go with numbers."""
    forward = torch.autograd.forward_ad._current_level >= 0
    return forward or torch._C._are_functorch_transforms_active()


def transformed() -> bool:
    """Whether calls do more than compute, as in `torch.vmap` or a trace."""
    traces = torch._C._len_torch_dispatch_stack() or torch.jit.is_tracing()
    return bool(traces) or differentiated()


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a large matrix on a CPU, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    least = 2**15 if torch.is_grad_enabled() else 2**12
    if x.numel() < least or not x.t().is_contiguous():
        return x.contiguous()
    return applied(Transpose, x)


def small(x: Tensor) -> bool:
    """Whether calling an autograd.Function takes longer than it saves on x."""
    return x.numel() < (2**15 if torch.is_grad_enabled() else 2**13)


def large(x: Tensor) -> bool:
    """Whether passing over x once more takes longer than strided writes of as many numbers."""
    return x.numel() >= 2**19


def plain(x: Tensor) -> bool:
    """Whether operations on x may write into tensors made for them."""
    return not (transformed() or torch.is_autocast_enabled(x.device.type))


def simple(x: Tensor, features: int) -> bool:
    """Whether x is a small float32 matrix [batch, features] on a CPU, and all there is to do is compute."""
    if traced(x) or transformed() or torch.is_autocast_enabled("cpu"):
        return False
    matrix = x.dim() == 2 and x.shape[1] == features and x.dtype == torch.float32
    return matrix and x.is_cpu and 0 < x.numel() < 2**17


def by_channels(x: Tensor) -> Tensor:
    """A contiguous matrix transposed as a shuffle of channels, for which PyTorch has better loops."""
    channels = x.view(1, 1, 1, -1).permute(0, 3, 1, 2)
    return torch.native_channel_shuffle(channels, len(x)).view(x.shape[::-1])


@with_signature
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous; see `by_channels`."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return by_channels(x.t())

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]


class FeatureRMSNorm(nn.RMSNorm):
    """As `nn.RMSNorm`, in the type of its weight: PyTorch has no kernel for two types, as autocast would bring."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


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

    def orthogonal(self, name: str, std: float | Tensor) -> None:
        """A weight of blocks [..., height, width] with orthonormal rows or columns, times `std`."""
        weight = self.weight(name)
        weight.copy_(std * self.blocks(weight.shape))

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


class LearningRates:
    """How fast a module's parameters learn and decay, as multiples of what suits dense layers.

    Parameters that are not set learn at the rate as it is; matrices among them decay, vectors
    (biases, scales and shifts) do not.
    """

    def __init__(self, module: nn.Module):
        self.module = module
        self.multiples: dict[nn.Parameter, tuple[float, float]] = {}

    def set(self, name: str, rate: float, decay: float) -> None:
        """A factor's rate, and its share of the decay of the matrix that it is a factor of."""
        weight = dict(self.module.named_parameters(remove_duplicate=False)).get(name)
        if weight is None:
            raise TypeError(f"{name} is no parameter; take parametrizations and pruning off before")
        # Optimizers multiply the decay by the rate of its group.
        self.multiples[weight] = (rate, decay / rate)

    def groups(self, lr: float, weight_decay: float) -> list[dict]:
        """An optimizer's groups: every parameter once, those with the same multiples together."""
        found: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.module.parameters():
            default = (1.0, 1.0 if parameter.ndim > 1 else 0.0)
            found.setdefault(self.multiples.get(parameter, default), []).append(parameter)
        return [
            {"params": parameters, "lr": lr * rate, "weight_decay": weight_decay * decay}
            for (rate, decay), parameters in found.items()
        ]


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
        self.norm2 = FeatureRMSNorm(8, eps=1e-05)
        self.norm3 = nn.BatchNorm1d(24)
        self.dropout1 = nn.Dropout(0.1)
        # topology: lowrank(rank=2)
        self.linear2 = FabricLinear(
            nn.Sequential(nn.Linear(24, 2, bias=False), WideningLinear(2, 4, bias=False)),
            4,
            bias=True,
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
            if isinstance(module, (FeatureRMSNorm, nn.BatchNorm1d, nn.LayerNorm)):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        draw.orthogonal_cut("linear1.fabric.0.weight", std=1.0)
        draw.orthogonal_cut("linear1.fabric.1.weight", std=1.1547005383792515)
        draw.orthogonal("linear2.fabric.0.weight", std=1.0)
        draw.orthogonal("linear2.fabric.1.weight", std=1.4142135623730951)

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit dense layers."""
        rates = LearningRates(self)
        rates.set("linear1.fabric.0.weight", rate=0.96, decay=1 / 2)
        rates.set("linear1.fabric.1.weight", rate=0.76, decay=1 / 2)
        rates.set("linear2.fabric.0.weight", rate=0.5, decay=1 / 2)
        rates.set("linear2.fabric.1.weight", rate=2.4, decay=1 / 2)
        return rates.groups(lr, weight_decay)
# table linear1.fabric.0.places: int32 [12]
# table linear1.fabric.1.places: int32 [24]
