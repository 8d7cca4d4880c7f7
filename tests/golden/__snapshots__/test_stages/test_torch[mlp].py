# Compiled from mlp.nf by nfc 0.1.0.
# The source's digest is sha256:6769e91c7b7962f23bb0a2c8e9c380aa5b761a4c28743dccea955356b26fc68c.

import inspect
import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class BlockLinear(Factor):
    """A block-diagonal matrix of `groups` dense blocks, each outputs × inputs."""

    def __init__(self, groups: int, outputs: int, inputs: int, bias: bool = False):
        super().__init__(groups * inputs, groups * outputs, (groups, outputs, inputs), bias)
        self.stage = (groups, outputs, inputs, 1)

    def blocks(self) -> Tensor:
        """The blocks, [groups, outputs, inputs]."""
        return self.weight

    def product(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, self.stage[::2])
        return last_product(self.weight, x)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.stage[0]}"


class StridedBlockLinear(Factor):
    """I ⊗ W ⊗ I, a butterfly's stage: output (g, j, s) reads the inputs (g, k, s) for all k.

    Indices have the digits group, block index and stride, the stride's changing fastest.
    """

    def __init__(self, groups: int, outputs: int, inputs: int, stride: int, bias: bool = False):
        shape = (groups, outputs, stride, inputs)
        super().__init__(groups * inputs * stride, groups * outputs * stride, shape, bias)
        self.stage = (groups, outputs, inputs, stride)
        self.layout = Layout((groups, stride, outputs), (0, 2, 1))

    def blocks(self) -> Tensor:
        """The blocks, [groups · stride, outputs, inputs]."""
        return self.weight.transpose(1, 2).flatten(0, 1)

    def product(self, x: Tensor) -> Tensor:
        return strided_product(self.blocks(), x, self.stage, self.layout)

    def extra_repr(self) -> str:
        groups, _, _, stride = self.stage
        return f"{super().extra_repr()}, groups={groups}, stride={stride}"


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


def inner_product(blocks: Tensor, x: Tensor) -> Tensor:
    """Batched products [blocks, outputs, batch] that another product reads."""
    if few(blocks, x):
        return applied(RowProduct, blocks, x, None).t().unflatten(0, blocks.shape[:2])
    return torch.bmm(blocks, x)


def strided_product(blocks: Tensor, x: Tensor, stage, layout: Layout | None) -> Tensor:
    """I ⊗ W ⊗ I times x [features, batch], for W's blocks [groups · stride, outputs, inputs].

    A stage is (groups, outputs, inputs, stride), and the layout makes strides the fastest digit.
    """
    groups, _, inputs, stride = stage
    # Strided rows are read in place, but no matrix product reads strided rows and columns.
    x = contiguous(x).unflatten(0, (groups, inputs, stride)).transpose(1, 2).flatten(0, 1)
    return last_product(blocks, x, layout)


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


class Run:
    """Block stages in a row, each of which reads in place what the one before has written.

    The features lie in memory digit by digit; a digit is (its stride as the features are numbered,
    its size), the slowest comes first. A stage replaces the digits that it reads by one, which it
    writes as the fastest, and leaves the others as they lie.
    """

    def __init__(self):
        self.groups = []
        self.steps = []
        self.memory = []
        self.leave = None

    def add(self, stage: tuple[int, int, int, int]) -> bool:
        """Appends (groups, outputs, inputs, stride), unless its digits do not fit those in memory."""
        groups, outputs, inputs, stride = stage
        above = inputs * stride
        memory = cut(cut(self.memory or [(1, groups * above)], stride), above)
        if memory is None:
            return False
        read = descending(digit for digit in memory if stride <= digit[0] < above)
        rest = [digit for digit in memory if digit not in read]
        numbered = descending(rest)
        if not self.steps:
            # A batch-first x is read in place if what a block reads lies side by side.
            self.copies = stride > 1
        if memory not in (read + rest, rest + read):
            rest = numbered  # no matrix product reads this in place: a copy sorts it
        rows, size = (groups * stride, inputs), (outputs, inputs)
        self.steps.append((move(memory, rest + read), rows, move(numbered, rest), size))
        rest = [(s // inputs * outputs if s >= above else s, k) for s, k in rest]
        self.memory = rest + [(stride, outputs)] * (outputs > 1)
        self.leave = move(self.memory, descending(self.memory))
        return True

    def product(self, x: Tensor, blocks: list[Tensor]) -> Tensor:
        """The last stage's output [features, batch], from x [features, batch] and all blocks."""
        if self.copies:
            x = contiguous(x)
        tail, last = (x.shape[-1],), len(self.steps) - 1
        for number, (read, shape, order, sizes) in enumerate(self.steps):
            block = blocks[number]
            if order is not None:
                block = moved(block, order, shape[:1], sizes)
            x = moved(x, read, shape, tail)
            if number < last:
                x = inner_product(block, x)
        return last_product(block, x, self.leave)


def move(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> Layout | None:
    """The layout that permutes digits in memory; None where they stay."""
    if before == after:
        return None
    return merged([size for _, size in before], [before.index(digit) for digit in after])


def descending(digits) -> list[tuple[int, int]]:
    """Digits from the highest to the lowest, as features are numbered."""
    return sorted(digits, reverse=True)


def cut(digits: list[tuple[int, int]] | None, stride: int) -> list[tuple[int, int]] | None:
    """Digits so that none has places both below and above a stride; None where one has to break."""
    if digits is None:
        return None
    pieces = []
    for low, size in digits:
        if not low < stride < low * size:
            pieces.append((low, size))
        elif stride % low or low * size % stride:
            return None
        else:
            pieces += [(stride, low * size // stride), (low, stride // low)]
    return [piece for piece in pieces if piece[1] > 1]


def merged(sizes: list[int], order: list[int]) -> Layout:
    """The layout of axes, those that stay side by side made one: fewer axes copy faster."""
    long = [axis for axis, size in enumerate(sizes) if size > 1]
    runs: list[list[int]] = []
    for axis in (long.index(axis) for axis in order if axis in long):
        if runs and axis == runs[-1][-1] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    before = sorted(runs)
    return Layout(
        tuple(math.prod(sizes[long[axis]] for axis in run) for run in before),
        tuple(before.index(run) for run in runs),
    )


class Cascade(nn.Sequential):
    """Factors one after the other: y = W_n ... W_1 x, the first part acting first.

    Blocks follow each other feature-first. The parts' own hooks do not run.
    """

    plan: list

    def __init__(self, *parts: nn.Module):
        super().__init__(*parts)
        self.make_plan([(number,) for number in range(len(self))])

    def make_plan(self, groups) -> None:
        """Plans runs of groups of blocks, and between them the parts that are no blocks."""
        self.plan = []
        for group in groups:
            stage = self.stage(group)
            if stage is None:
                self.plan += group
                continue
            if not (self.plan and isinstance(self.plan[-1], Run) and self.plan[-1].add(stage)):
                self.plan.append(Run())
                self.plan[-1].add(stage)
            self.plan[-1].groups.append(group)

    def stage(self, group):
        """A group's (groups, outputs, inputs, stride); None for a part that is no blocks."""
        part = self[group[0]]
        return part.stage if hasattr(part, "blocks") else None

    def blocks(self, groups):
        """The blocks of some groups, each [groups · stride, outputs, inputs]."""
        parts = list(self)
        return [parts[number].blocks() for (number,) in groups]

    def forward(self, x: Tensor) -> Tensor:
        for step in self.plan:
            x = self.run(step, x) if isinstance(step, Run) else self[step](x)
        return x

    def run(self, run, x):
        """Blocks one after the other, feature-first."""
        first = list(self)[run.groups[0][0]]
        return batch_first(run.product(first.feature_first(x), self.blocks(run.groups)), x)


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

    def orthogonal_strided(self, name: str, std: float | Tensor) -> None:
        """A weight [groups, height, stride, width] with such blocks."""
        weight = self.weight(name)
        groups, height, stride, width = weight.shape
        weight.copy_(std * self.blocks((groups, stride, height, width)).transpose(1, 2))

    def blocks(self, shape: tuple[int, ...]) -> Tensor:
        """Blocks of the next stream, evenly distributed (Haar), [..., height, width]."""
        return orthonormal(self.normal(math.prod(shape)), shape)

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


class Repeat1(nn.Module):
    """Input [batch, 16], output [batch, 16]."""

    def __init__(self):
        super().__init__()
        # topology: mixer(4)
        self.linear1 = FabricLinear(
            Sum(Cascade(BlockLinear(4, 4, 4), StridedBlockLinear(1, 4, 4, 4)) for _ in range(2)),
            16,
            bias=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear1(x)
        return F.relu(x)


class Mlp(Network):
    """Input [batch, 3, 4], output [batch, 5].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:3a36741e7347b4509c410e22605c8a8ebc12ee9b413c05ba46002d578798b4bd"

    def __init__(self, seed: int = 0):
        super().__init__()
        self.repeat1 = nn.ModuleList(Repeat1() for _ in range(2))
        self.head = nn.Linear(16, 5)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        x = F.pad(x, (0, 4))  # pad 16
        for block in self.repeat1:
            x = block(x)
        return self.head(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Set the weights of `seed`, biases to 0."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        for i in range(2):
            for j in range(2):
                draw.orthogonal(f"repeat1.{i}.linear1.fabric.{j}.0.weight", std=1.0)
                draw.orthogonal_strided(f"repeat1.{i}.linear1.fabric.{j}.1.weight", std=1.0)
        draw.orthogonal("head.weight", std=1.0)

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit dense layers."""
        rates = LearningRates(self)
        for i in range(2):
            for j in range(2):
                rates.set(f"repeat1.{i}.linear1.fabric.{j}.0.weight", rate=1.1, decay=1 / 2)
                rates.set(f"repeat1.{i}.linear1.fabric.{j}.1.weight", rate=0.78, decay=1 / 2)
        return rates.groups(lr, weight_decay)
