# Compiled from stages.nf by nfc 0.1.0.
# The source's digest is sha256:ed5f1e010eb907c98d4148c98d63074660fd1c354930eb5b101a11abf8989d33.
# Its index tables lie beside this file, in stages.index.safetensors.

import inspect
import math
import warnings
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

INDEX_FILE = "stages.index.safetensors"
INDEX_DIGEST = "sha256:a3f2462e674c251910d189d6e4c5b60052e543164600b83db34e9fa1be847e6f"


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
        self.inverse = tuple(sorted(range(len(order)), key=order.__getitem__))

    def of(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout, [*ordered, *tail]."""
        kept = range(len(self.order), len(self.order) + len(tail))
        return x.reshape(self.sizes + tail).permute(*self.order, *kept)

    def back(self, x: Tensor, tail: tuple[int, ...] = ()) -> Tensor:
        """A tensor [*features, *tail] in this layout as it was before, [*sizes, *tail]."""
        kept = range(len(self.order), len(self.order) + len(tail))
        return x.reshape(self.ordered + tail).permute(*self.inverse, *kept)


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


def applied(function, *arguments):
    """`function.apply`, or its forward where no gradient is wanted: `apply` outlasts small products."""
    if torch.is_grad_enabled():
        return function.apply(*arguments)
    try:
        for argument in arguments:
            if isinstance(argument, Tensor):
                argument.data_ptr()
    except RuntimeError:  # torch.vmap maps over it, so that it has no memory of its own
        return function.apply(*arguments)
    return function.forward(*arguments)


def with_signature(function):
    """Lets an autograd.Function's `forward` take any arguments: `apply` checks them, and is slow."""
    arguments = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
    function.forward.__signature__ = inspect.Signature([arguments])
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


def traced(x: Tensor) -> bool:
    """Whether x stands for numbers, as in torch.compile, torch.export, torch.fx and on meta."""
    plain = type(x) in (Tensor, nn.Parameter)
    return torch.compiler.is_compiling() or not plain or x.is_meta


def transformed() -> bool:
    """Whether calls do more than compute, as in `torch.vmap` or a trace."""
    active = torch._C._are_functorch_transforms_active() or torch._C._len_torch_dispatch_stack()
    return bool(active) or torch.jit.is_tracing()


def contiguous(x: Tensor) -> Tensor:
    """`x.contiguous()`; where that transposes a large matrix on a CPU, two to five times faster."""
    if traced(x) or x.device.type != "cpu" or x.shape[1] < 4 or x.is_contiguous():
        return x.contiguous()
    return x.contiguous() if small(x) or not x.t().is_contiguous() else applied(Transpose, x)


def small(x: Tensor) -> bool:
    """Whether calling an autograd.Function takes longer than it saves on x."""
    return x.numel() < (2**15 if torch.is_grad_enabled() else 2**13)


def large(x: Tensor) -> bool:
    """Whether passing over x once more takes longer than strided writes of as many numbers."""
    return x.numel() >= 2**19


def plain(x: Tensor) -> bool:
    """Whether operations on x may write into tensors made for them."""
    return not (transformed() or torch.is_autocast_enabled(x.device.type))


@with_signature
class Transpose(torch.autograd.Function):
    """A transposed matrix made contiguous: a shuffle of channels, for which PyTorch has better loops."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        rows, columns = x.shape
        channels = x.t().reshape(1, 1, 1, -1).permute(0, 3, 1, 2)
        return torch.native_channel_shuffle(channels, columns).view(rows, columns)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x, in_dims[0]


def taken(x: Tensor, order: Tensor) -> Tensor:
    """The rows x[order] of x [features, batch], which is no trace's."""
    samples = x.t()
    if len(samples) > 1 and x.is_contiguous():
        return x.index_select(0, order)
    if len(samples) > 1 and x.numel() >= 2**15:  # a transposed copy's rows are read faster
        return contiguous(x).index_select(0, order)
    return samples.index_select(1, order).t()


def selected(x: Tensor, order: Tensor) -> Tensor:
    """The rows x[order], as traces show it."""
    return x.index_select(0, order)


def taken_once(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
    """`reordered` without a gradient."""
    return taken(x, order)


def reordered(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
    """The rows x[order], along the first axis; row r of x is the row `places[r]` of the result."""
    return applied(Reordered, x, order, places)


@with_signature
class Reordered(torch.autograd.Function):
    """See `reordered`. PyTorch would add up gradients row by row; here they are reordered too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, order: Tensor, places: Tensor) -> Tensor:
        return selected(x, order) if traced(x) or x.dim() != 2 else taken(x, order)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, order, places = inputs
        ctx.save_for_backward(order, places)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        order, places = ctx.saved_tensors
        return reordered(gradient, places, order), None, None


def block_set_product(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> Tensor:
    """Blocks between sets of rows and columns times x [columns, batch], and the bias if there is one.

    The shapes are those of the sets; the tables say where rows and columns lie block by block:
    the rows and their places, the columns and theirs. With `leaves` the rows of the result stay
    block by block.
    """
    arguments = (weight, x, bias, shapes, tables, leaves)
    if traced(x):
        return block_set_values(*arguments)[0]
    if transformed():
        return MappedBlockSetProduct.apply(*arguments)[0]
    if torch.is_grad_enabled():
        return BlockSetProduct.apply(*arguments)
    return block_set_values(*arguments)[0]


def block_set_values(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> tuple[Tensor, ...]:
    """The product, and what was gathered for it: the blocks and their inputs."""
    rows, row_places, columns, _ = tables
    (groups, outputs), (_, inputs) = shapes
    taking = selected if traced(x) else taken
    blocks = weight.index_select(0, rows).view(groups, outputs, inputs)
    x = taking(x, columns).view(groups, inputs, x.shape[1])
    if bias is None:
        y = torch.bmm(blocks, x)
    else:  # in the product, which saves a pass over its result
        y = torch.baddbmm(bias.index_select(0, rows).view(groups, outputs, 1), blocks, x)
    y = y.view(groups * outputs, x.shape[2])
    return y if leaves else taking(y, row_places), blocks, x


class BlockSetProduct(torch.autograd.Function):
    """See `block_set_product`. What was gathered for the product is kept for its gradient.

    With a context in `forward`, calls take half of the time that `setup_context` takes.
    """

    @staticmethod
    def forward(ctx, weight, x: Tensor, bias, shapes, tables, leaves: bool) -> Tensor:
        y, *gathered = block_set_values(weight, x, bias, shapes, tables, leaves)
        ctx.save_for_backward(weight, x, *gathered)
        ctx.tables, ctx.leaves = tables, leaves
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return (None,) * 6
        (weight, x, blocks, inputs), wanted = ctx.saved_tensors, ctx.needs_input_grad
        rows, row_places, columns, column_places = ctx.tables
        taking = reordered if torch.is_grad_enabled() else taken_once
        if taking is reordered:  # second derivatives need the function's own inputs
            blocks = reordered(weight, rows, row_places).view(blocks.shape)
            inputs = reordered(x, columns, column_places).reshape(inputs.shape)
        of_weight = of_x = of_bias = None
        if wanted[2]:
            of_bias = gradient.sum(1)
            of_bias = of_bias.index_select(0, row_places) if ctx.leaves else of_bias
        gradient = contiguous(gradient) if ctx.leaves else taking(gradient, rows, row_places)
        gradient = gradient.view(*blocks.shape[:2], inputs.shape[2])
        if blocks.dtype != gradient.dtype:  # autocast
            blocks, inputs = blocks.to(gradient.dtype), inputs.to(gradient.dtype)
        if wanted[0]:
            of_blocks = torch.bmm(gradient, inputs.mT).view(weight.shape)
            of_weight = taking(of_blocks, row_places, rows)
        if wanted[1]:
            of_inputs = torch.bmm(blocks.mT, gradient).view(x.shape)
            of_x = taking(of_inputs, column_places, columns)
        return of_weight, of_x, of_bias, None, None, None


class MappedBlockSetProduct(BlockSetProduct):
    """`BlockSetProduct` for `torch.func`, which wants what is kept among the outputs."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight, x: Tensor, bias, shapes, tables, leaves: bool) -> tuple[Tensor, ...]:
        return block_set_values(weight, x, bias, shapes, tables, leaves)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        weight, x, _, _, ctx.tables, ctx.leaves = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weight, x, *output[1:])


class BlockSetLinear(TableFactor):
    """Dense blocks between sets of features: rows `row_sets[t]` read columns `col_sets[t]`.

    Features are gathered block by block; `places` are where each then is. From one such layer to
    the next a single gather is enough: with `leaves` the outputs stay block by block, and with
    `follows` x lies as the layer with the rows `after` has left it.
    """

    def __init__(
        self,
        row_sets: Tensor,
        col_sets: Tensor,
        bias: bool = False,
        after: Tensor | None = None,
    ):
        shape = (row_sets.numel(), col_sets.shape[1])
        super().__init__(col_sets.numel(), row_sets.numel(), shape, bias)
        self.shapes = (row_sets.shape, col_sets.shape)
        rows, columns = row_sets.flatten(), col_sets.flatten()
        tables = {"rows": rows, "row_places": rows.argsort().int()}
        tables |= {"columns": columns, "column_places": columns.argsort().int()}
        if after is not None:
            followed = after.flatten().argsort().int()[columns]
            tables |= {"followed": followed, "followed_places": followed.argsort().int()}
        self.set_tables(row_sets=row_sets, **tables)

    def forward(self, x: Tensor, follows: bool = False, leaves: bool = False) -> Tensor:
        arguments = self.shapes, self.orders(follows), leaves
        y = block_set_product(self.weight, self.feature_first(x), self.bias, *arguments)
        return batch_first(y, x)

    def product(self, x: Tensor) -> Tensor:
        return block_set_product(self.weight, x, None, self.shapes, self.orders(), False)

    def orders(self, follows: bool = False) -> tuple[Tensor, ...]:
        """The rows block by block and their places, the columns and theirs."""
        found = self._buffers  # several times faster than attributes of a module
        if follows:
            columns, places = found["followed"], found["followed_places"]
        else:
            columns, places = found["columns"], found["column_places"]
        return found["rows"], found["row_places"], columns, places

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.shapes[0][0]}"


class EdgeFactor(TableFactor):
    """Any pattern of edges: output o reads the inputs `indices[indptr[o] : indptr[o + 1]]`.

    Its tables are that CSR pattern and the transposed one, whose edge e has the weight
    `permutation[e]`.
    """

    indptr: Tensor
    indices: Tensor
    transposed_indptr: Tensor
    transposed_indices: Tensor
    permutation: Tensor

    def __init__(
        self,
        in_features: int,
        indptr: Tensor,
        indices: Tensor,
        shape: tuple[int, ...],
        bias: bool,
    ):
        super().__init__(in_features, len(indptr) - 1, shape, bias)
        self.set_pattern(indptr, indices)

    def set_pattern(self, indptr: Tensor, indices: Tensor) -> None:
        rows = torch.arange(self.out_features, dtype=torch.int32, device="cpu")
        rows = rows.repeat_interleave(indptr.diff())
        permutation = indices.argsort(stable=True)
        degrees = torch.bincount(indices, minlength=self.in_features)
        self.set_tables(
            indptr=indptr,
            indices=indices,
            transposed_indptr=F.pad(degrees.cumsum(0), (1, 0)).int(),
            transposed_indices=rows[permutation],
            permutation=permutation.int(),
        )

    def product(self, x: Tensor) -> Tensor:
        pattern = (self.indptr, self.indices)
        transposed = (self.transposed_indptr, self.transposed_indices, self.permutation)
        y = sparse_product(self.weight.flatten(), contiguous(x), False, *pattern, *transposed)
        if not isinstance(x, Tensor) or x.is_meta:
            return y
        device = x.device.type
        return y.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else y


class NeighbourLinear(EdgeFactor):
    """The same number of inputs for every output: output o reads the inputs `table[o]`."""

    def __init__(self, in_features: int, table: Tensor, bias: bool = False):
        indptr = torch.arange(len(table) + 1, dtype=torch.int32, device="cpu") * table.shape[1]
        super().__init__(in_features, indptr, table.flatten(), tuple(table.shape), bias)


def operator(name: str):
    """Register an autograd.Function as an operator too, which traces show as one call.

    Modules with the same text share it: the digits in its name are a digest of the text.
    """
    with warnings.catch_warnings():  # PyTorch says once a process that sparse tensors are new
        warnings.simplefilter("ignore")
        torch.zeros(1, 1, device="cpu").to_sparse_csr()
    namespace, _, short = name.partition("::")

    def register(function):
        forward = function.forward
        if not hasattr(getattr(torch.ops, namespace), short):
            made = torch.library.custom_op(name, forward, mutates_args=(), schema=function.schema)
            made.register_fake(function.fake)
            made.register_autograd(function.backward, setup_context=function.setup_context)
            made.register_vmap(function.vmap)
        return with_signature(function)

    return register


def sparse_product(values: Tensor, x: Tensor, transposed: bool, *tables: Tensor) -> Tensor:
    """W x for the edges' weights [edges] and x [columns, batch]; or Wᵀ x, for x [rows, batch].

    The tables are those of `EdgeFactor`.
    """
    if traced(x):
        return torch.ops.nfc_sparse_58641a9b.sparse_product(values, x, transposed, *tables)
    return applied(SparseProduct, values, x, transposed, *tables)


def sampled_product(left: Tensor, right: Tensor, *tables: Tensor) -> Tensor:
    """The entries of left rightᵀ that are edges, for [rows, batch] and [columns, batch]."""
    if traced(left):
        return torch.ops.nfc_sparse_58641a9b.sampled_product(left, right, *tables)
    return applied(SampledProduct, left, right, *tables)


@operator("nfc_sparse_58641a9b::sparse_product")
class SparseProduct(torch.autograd.Function):
    """See `sparse_product`."""

    schema = (
        "(Tensor values, Tensor x, bool transposed, Tensor indptr, Tensor indices, "
        "Tensor transposed_indptr, Tensor transposed_indices, Tensor permutation) -> Tensor"
    )

    @staticmethod
    def forward(values, x, transposed, *tables):
        indptr, indices = tables[2:4] if transposed else tables[:2]
        shape = (len(indptr) - 1, x.shape[1])
        if not (x.numel() and len(indices)):
            return x.new_zeros(shape)
        dtype, wide = x.dtype, torch.promote_types(x.dtype, torch.float32)
        weights, x = values.to(wide), x.to(wide).contiguous()
        if transposed:
            weights = weights.index_select(0, tables[4])
        if weighted_bags_win(x):
            y = torch.embedding_bag(x, indices, indptr, False, 0, False, weights, True)[0]
        else:
            # With `out`, autocast leaves products alone; a vector's takes half of a matrix's time.
            matrix = csr_matrix(indptr, indices, weights, (shape[0], len(x)))
            y = x.new_empty(shape)
            if shape[1] == 1:
                torch.mv(matrix, x[:, 0], out=y[:, 0])
            else:
                torch.mm(matrix, x, out=y)
        return y.to(dtype)

    @staticmethod
    def fake(values, x, transposed, *tables):
        return x.new_empty(len(tables[2 if transposed else 0]) - 1, x.shape[1])

    @staticmethod
    def setup_context(ctx, inputs, output):
        values, x, ctx.transposed, *tables = inputs
        ctx.save_for_backward(values, x, *tables)

    @staticmethod
    def backward(ctx, gradient):
        values, x, *tables = ctx.saved_tensors
        gradient = contiguous(gradient)
        for_values = for_x = None
        if ctx.needs_input_grad[0]:
            left, right = (x, gradient) if ctx.transposed else (gradient, x)
            for_values = sampled_product(left, right, *tables).to(values.dtype)
        if ctx.needs_input_grad[1]:
            for_x = sparse_product(values, gradient, not ctx.transposed, *tables)
        return for_values, for_x, None, *[None] * len(tables)

    @staticmethod
    def vmap(info, in_dims, values, x, transposed, *tables):
        if in_dims[0] is None:
            x = x.movedim(in_dims[1], 1)
            y = sparse_product(values, x.flatten(1), transposed, *tables)
            return y.unflatten(1, x.shape[1:]), 1
        each = zip(unstack(info, in_dims[0], values), unstack(info, in_dims[1], x), strict=True)
        return torch.stack([sparse_product(v, x, transposed, *tables) for v, x in each]), 0


@operator("nfc_sparse_58641a9b::sampled_product")
class SampledProduct(torch.autograd.Function):
    """See `sampled_product`."""

    schema = (
        "(Tensor left, Tensor right, Tensor indptr, Tensor indices, "
        "Tensor transposed_indptr, Tensor transposed_indices, Tensor permutation) -> Tensor"
    )

    @staticmethod
    def forward(left, right, *tables):
        indptr, indices = tables[:2]
        if not (left.numel() and len(indices)):
            return left.new_zeros(len(indices))
        wide = torch.promote_types(left.dtype, torch.float32)
        a, b = left.to(wide).contiguous(), right.to(wide).contiguous()
        rest = -a.shape[1] % 8
        if 1 < a.shape[1] < 64 and rest:
            # The kernel takes eight columns at a time, and a rest of columns one by one.
            a, b = F.pad(a, (0, rest)), F.pad(b, (0, rest))
        # What it is added to must be finite: PyTorch multiplies it by beta all the same.
        pattern = csr_matrix(indptr, indices, a.new_zeros(len(indices)), (len(a), len(b)))
        torch.sparse.sampled_addmm(pattern, a, b.t(), beta=0.0, out=pattern)
        return pattern.values().to(left.dtype)

    @staticmethod
    def fake(left, right, *tables):
        return left.new_empty(len(tables[1]))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        left, right, *tables = ctx.saved_tensors
        for_left = for_right = None
        if ctx.needs_input_grad[0]:
            for_left = sparse_product(gradient, right, False, *tables).to(left.dtype)
        if ctx.needs_input_grad[1]:
            for_right = sparse_product(gradient, left, True, *tables).to(right.dtype)
        return for_left, for_right, *[None] * len(tables)

    @staticmethod
    def vmap(info, in_dims, left, right, *tables):
        each = zip(unstack(info, in_dims[0], left), unstack(info, in_dims[1], right), strict=True)
        return torch.stack([sampled_product(a, b, *tables) for a, b in each]), 0


def unstack(info, axis: int | None, x: Tensor) -> tuple[Tensor, ...]:
    """What `torch.vmap` maps over, one by one; without an axis, x itself each time."""
    return (x,) * info.batch_size if axis is None else x.unbind(axis)


def weighted_bags_win(x: Tensor) -> bool:
    """Whether embedding_bag multiplies by x faster than a sparse matrix does, or has to."""
    if x.device.type != "cpu":
        return False
    several = x.shape[1] >= 4 and x.dtype == torch.float32
    return several or not torch.backends.mkl.is_available()


def csr_matrix(indptr: Tensor, indices: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A sparse matrix of these tensors, which are not checked."""
    return torch.sparse_csr_tensor(indptr, indices, values, shape, check_invariants=False)


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
        last = len(self.steps) - 1
        for number, (read, shape, order, sizes) in enumerate(self.steps):
            block = blocks[number]
            if order is not None:
                block = moved(block, order, shape[:1], sizes)
            x = moved(x, read, shape, (x.shape[-1],))
            if number < last:
                x = torch.bmm(block, x)
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
        x_features = self[run.groups[0][0]].feature_first(x)
        return batch_first(run.product(x_features, self.blocks(run.groups)), x)


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

    def sign(self, name: str, std: float | Tensor) -> None:
        """The parameter of random signs, with this standard deviation."""
        weight = self.weight(name)
        u = self.numbers(weight.numel()).view(weight.shape)
        weight.copy_(std * torch.where(u < 0.5, -1.0, 1.0).double())

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


class Unit(nn.Module):
    """Input [batch, 8], output [batch, 8]."""

    def __init__(self, tables: dict[str, Tensor]):
        super().__init__()
        # topology: step()
        self.linear1 = FabricLinear(
            Cascade(
                BlockLinear(4, 2, 2),
                StridedBlockLinear(2, 2, 2, 2),
                BlockSetLinear(
                    tables["linear1.fabric.2.row_sets"], tables["linear1.fabric.2.col_sets"]
                ),
            ),
            8,
            bias=True,
        )
        self.norm1 = FeatureRMSNorm(8, eps=1e-05)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear1(x)
        x = self.norm1(x)
        return F.relu(x)


class Repeat1Repeat1(nn.Module):
    """Input [batch, 8], output [batch, 8]."""

    def __init__(self, tables: dict[str, Tensor]):
        super().__init__()
        # topology: random(fan_in=2)
        self.linear1 = NeighbourLinear(8, tables["linear1.table"], bias=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear1(x)
        return torch.tanh(x)


class Repeat1(nn.Module):
    """Input [batch, 8], output [batch, 8]."""

    def __init__(self, tables: dict[str, Tensor]):
        super().__init__()
        self.unit1 = Unit(under(tables, "unit1"))
        self.repeat1 = nn.ModuleList(
            Repeat1Repeat1(under(tables, f"repeat1.{i}")) for i in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)
        for block in self.repeat1:
            x = block(x)
        return x


class Stages(Network):
    """Input [batch, 8], output [batch, 3].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:0fc2eedbf3821ffd3aabca3e512447ca8532af3e5119b766d3c68d6fd68534c1"

    def __init__(self, seed: int = 0):
        super().__init__()
        tables = load_tables()
        self.repeat1 = nn.ModuleList(Repeat1(under(tables, f"repeat1.{i}")) for i in range(2))
        self.last = Unit(under(tables, "last"))
        self.linear1 = nn.Linear(8, 3)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.repeat1:
            x = block(x)
        x = self.last(x)
        return self.linear1(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Set the weights of `seed`, biases to 0, norms as new ones."""
        for module in self.modules():
            if isinstance(module, FeatureRMSNorm):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        for i in range(2):
            draw.orthogonal(f"repeat1.{i}.unit1.linear1.fabric.0.weight", std=1.0)
            draw.orthogonal_strided(f"repeat1.{i}.unit1.linear1.fabric.1.weight", std=1.0)
            draw.orthogonal_sets(f"repeat1.{i}.unit1.linear1.fabric.2.weight", std=1.0)
            for j in range(2):
                draw.sign(f"repeat1.{i}.repeat1.{j}.linear1.weight", std=1.126094004987253)
        draw.orthogonal("last.linear1.fabric.0.weight", std=1.0)
        draw.orthogonal_strided("last.linear1.fabric.1.weight", std=1.0)
        draw.orthogonal_sets("last.linear1.fabric.2.weight", std=1.0)
        draw.orthogonal("linear1.weight", std=1.0)

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit dense layers."""
        rates = LearningRates(self)
        for i in range(2):
            for j in range(3):
                rates.set(f"repeat1.{i}.unit1.linear1.fabric.{j}.weight", rate=0.77, decay=1 / 3)
            for j in range(2):
                rates.set(f"repeat1.{i}.repeat1.{j}.linear1.weight", rate=2.3, decay=1)
        for i in range(3):
            rates.set(f"last.linear1.fabric.{i}.weight", rate=0.77, decay=1 / 3)
        return rates.groups(lr, weight_decay)
# table last.linear1.fabric.2.col_sets: int32 [4, 2]
# table last.linear1.fabric.2.row_sets: int32 [4, 2]
# table repeat1.0.repeat1.0.linear1.table: int32 [8, 2]
# table repeat1.0.repeat1.1.linear1.table: int32 [8, 2]
# table repeat1.0.unit1.linear1.fabric.2.col_sets: int32 [4, 2]
# table repeat1.0.unit1.linear1.fabric.2.row_sets: int32 [4, 2]
# table repeat1.1.repeat1.0.linear1.table: int32 [8, 2]
# table repeat1.1.repeat1.1.linear1.table: int32 [8, 2]
# table repeat1.1.unit1.linear1.fabric.2.col_sets: int32 [4, 2]
# table repeat1.1.unit1.linear1.fabric.2.row_sets: int32 [4, 2]
