"""Kernels and weightless operations as PyTorch expressions."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import cast

from nfc.backends.torch_convolutions import convolution_module, norm_class, pool, shuffle
from nfc.backends.torch_writer import (
    Call,
    Comprehension,
    Entry,
    Expression,
    Items,
    Named,
    tuple_of,
    with_index,
)
from nfc.diagnostics import Diagnostic, NfcError
from nfc.ir.convolutions import Pool, Shuffle
from nfc.ir.names import attribute_of
from nfc.ir.network import NORM_EPSILON, Activation, Crop, Dropout, Norm, Op, Pad, Reshape, feature_axis
from nfc.ir.sequences import FABRICS, Attention, Embed, Position, Transpose
from nfc.lowering.fuse import is_stage
from nfc.lowering.kernels import is_semi_structured, output_features
from nfc.lowering.plan import (
    Add,
    Blocked,
    BlockSets,
    Chain,
    Convolution,
    CropFeatures,
    Dense,
    Edgewise,
    Fused,
    Kernel,
    Neighbours,
    PadFeatures,
    Product,
    Scattered,
    Sparse,
)

MAX_NESTING = 40
"""Python's parser takes 200 brackets in one another, and a level of a fabric takes up to four."""
_FUNCTIONS = {
    "relu": "F.relu",
    "gelu": "F.gelu",
    "silu": "F.silu",
    "tanh": "torch.tanh",
    "sigmoid": "torch.sigmoid",
    "leaky_relu": "F.leaky_relu",
    "softmax": "F.softmax",
    "log_softmax": "F.log_softmax",
}


def index_variable(depth: int) -> str:
    """The variable that counts in the loop at this depth."""
    return "ijkmn"[depth] if depth < 5 else f"i{depth}"


def product_module(op: Product, key: str) -> Expression:
    """The module of a linear layer whose tables lie under `key`.

    Raises:
        NfcError: NF610, the fabric is nested too deeply.
    """
    if nesting(op.kernel) > MAX_NESTING:
        raise NfcError([_too_deep(op)])
    if isinstance(op, Convolution):
        return convolution_module(op, key, _pointwise, partial_block)
    match op.kernel:
        case (Chain() | Add()) as tree if partial_block(tree) is None:
            fabric = _module(tree, op.input[-1], f"{key}.fabric", False, 0)
            arguments = (fabric, str(op.output[-1]))
            return Call("FabricLinear", (*arguments, *_bias(op.bias is not None)))
        case kernel:
            return _module(kernel, op.input[-1], key, op.bias is not None, 0)


def attention_module(op: Attention, key: str) -> Expression:
    """The module of attention, whose layers' tables lie under `key`.

    Raises:
        NfcError: NF610, a fabric is nested too deeply.
    """
    layers = [cast("Product", layer) for layer in (op.q, op.k, op.v, op.o)]
    options = (Named("heads", str(op.heads)), *((Named("causal", "True"),) if op.causal else ()))
    looped = [product_module(layer, f"{key}.{{part}}") for layer in layers]
    if all(module == looped[0] for module in looped[1:]):
        clause = 'for part in "qkvo"' if "{part}" in str(looped[0]) else "for _ in range(4)"
        return Call("Attention", (Comprehension(looped[0], clause, star=True), *options))
    each = tuple(with_index(module, "part", label) for module, label in zip(looped, FABRICS, strict=True))
    return Call("Attention", (*each, *options))


def _pointwise(kernel: Kernel, features: int, key: str) -> Expression:
    return _module(kernel, features, key, False, 1)


def nesting(kernel: Kernel) -> int:
    """How many cascades and sums lie in one another."""
    if not isinstance(kernel, Chain | Add):
        return 0
    return 1 + max(nesting(part) for part in kernel.parts)


def _too_deep(op: Product) -> Diagnostic:
    return Diagnostic(
        "NF610",
        f"the topology of `{op.path}` nests {nesting(op.kernel)} cascades and sums in one another, "
        f"but PyTorch modules hold at most {MAX_NESTING}",
        op.span,
        hints=("layers of their own in the network, one for each part, nest less",),
    )


def product_call(op: Product) -> Expression:
    """The call of a linear layer's module on x, with how features lie before it and after it."""
    arguments: list[Expression] = ["x"]
    if isinstance(op.kernel, BlockSets):
        arguments += [Named("follows", "True")] if op.kernel.follows is not None else []
        arguments += [Named("leaves", "True")] if op.kernel.leaves else []
    return Call(f"self.{attribute_of(op.path)}", tuple(arguments))


def partial_block(kernel: Kernel) -> Blocked | None:
    """The block kernel of a factor without some edges, alone or between padding and cropping of features."""
    match kernel:
        case Blocked(places=places) if places is not None:
            return kernel
        case Chain(parts=parts):
            weighted = [part for part in parts if not isinstance(part, PadFeatures | CropFeatures)]
            return partial_block(weighted[0]) if len(weighted) == 1 else None
        case _:
            return None


def _module(kernel: Kernel, features: int, key: str, bias: bool, depth: int) -> Expression:
    """The module of a kernel that reads `features` features."""
    partial = partial_block(kernel)
    if partial is not None:
        return _partial(kernel, partial, features, key, bias)
    match kernel:
        case Dense(rows=rows, cols=cols):
            return Call("nn.Linear", (str(cols), str(rows), *(() if bias else (Named("bias", "False"),))))
        case Blocked(b=1, c=1, weight=weight):
            return Call("DiagonalLinear", (tuple_of(weight.shape), *_bias(bias)))
        case Blocked(a=a, b=b, c=c, d=1):
            return Call("BlockLinear", (str(a), str(b), str(c), *_bias(bias)))
        case Blocked(a=a, b=b, c=c, d=d):
            return Call("StridedBlockLinear", (str(a), str(b), str(c), str(d), *_bias(bias)))
        case BlockSets(follows=follows):
            entries = (Entry(f"{key}.row_sets"), Entry(f"{key}.col_sets"))
            after = () if follows is None else (Named("after", Entry(f"{attribute_of(follows)}.row_sets")),)
            return Call("BlockSetLinear", (*entries, *_bias(bias), *after))
        case Edgewise(kernel=inner):
            blocks = cast("Call", _module(inner, features, key, bias, depth))
            return replace(blocks, function=f"Edgewise{blocks.function}")
        case Neighbours(shifts=(dims, offsets)):
            return Call("ShiftLinear", (tuple_of(dims), tuple_of(offsets), *_bias(bias)))
        case Neighbours(cols=cols):
            return Call("NeighbourLinear", (str(cols), Entry(f"{key}.table"), *_bias(bias)))
        case Sparse(cols=cols):
            entries = (Entry(f"{key}.indptr"), Entry(f"{key}.indices"))
            return Call("CsrLinear", (str(cols), *entries, *_bias(bias)))
        case Scattered(kernel=Neighbours(cols=cols) as inner) if is_semi_structured(inner):
            return Call("SemiStructuredLinear", (str(cols), Entry(f"{key}.table"), *_bias(bias)))
        case Scattered(kernel=inner):
            edges = cast("Call", _module(inner, features, key, bias, depth))
            return replace(edges, function=f"Scattered{edges.function}")
        case Chain(parts=parts):
            stages = single_parts(kernel)
            widths = accumulate(stages, lambda width, part: output_features(part, width), initial=features)
            reads = tuple(zip(stages, widths, strict=False))
            if not any(map(is_stage, stages)):
                return widening(_container("nn.Sequential", reads, key, depth), stages)
            sizes = tuple(len(part.parts) if isinstance(part, Fused) else 1 for part in parts)
            if max(sizes) == 1:
                return _container("Cascade", reads, key, depth)
            fused = _container("FusedCascade", reads, key, depth)
            return replace(fused, arguments=(*fused.arguments, Named("fuse", tuple_of(sizes))))
        case Add(parts=parts):
            return _container("Sum", tuple((part, features) for part in parts), key, depth)
        case _:
            raise TypeError(f"{key}: no factor stands alone as {type(kernel).__name__}")


def widening(sequence: Call, stages: tuple[Kernel, ...]) -> Call:
    """A sequence whose later dense matrices write feature-first where they have more outputs than inputs."""
    parts = [
        replace(part, function="WideningLinear")
        if isinstance(part, Call) and place > 0 and isinstance(stage, Dense) and stage.rows > stage.cols
        else part
        for place, (part, stage) in enumerate(zip(sequence.arguments, stages, strict=False))
    ]
    return replace(sequence, arguments=tuple(parts)) if len(parts) == len(stages) else sequence


def single_parts(chain: Chain) -> tuple[Kernel, ...]:
    """A cascade's parts, which are numbered one by one where several are fused too."""
    return tuple(
        single for part in chain.parts for single in (part.parts if isinstance(part, Fused) else (part,))
    )


def _container(kind: str, parts: tuple[tuple[Kernel, int], ...], key: str, depth: int) -> Call:
    """A sequence or a sum of kernels, each with the features it reads; in a loop where they are alike."""
    variable = index_variable(depth)
    looped = [_module(part, width, f"{key}.{{{variable}}}", False, depth + 1) for part, width in parts]
    alike = all(part == looped[0] for part in looped[1:])
    if alike and (len(parts) > 2 or isinstance(parts[0][0], Chain | Add)):
        counter = variable if f"{{{variable}}}" in str(looped[0]) else "_"
        clause = f"for {counter} in range({len(parts)})"
        return Call(kind, (Comprehension(looped[0], clause, star=kind != "Sum"),))
    each = tuple(with_index(part, variable, index) for index, part in enumerate(looped))
    return Call(kind, (Items(each),) if kind == "Sum" else each)


def _partial(kernel: Kernel, blocked: Blocked, features: int, key: str, bias: bool) -> Expression:
    digits = tuple_of((blocked.a, blocked.b, blocked.c, blocked.d))
    sizes = (str(features), str(output_features(kernel, features)))
    return Call("PartialBlockLinear", (*sizes, digits, Entry(f"{key}.places"), *_bias(bias)))


def _bias(bias: bool) -> tuple[Expression, ...]:
    return (Named("bias", "True"),) if bias else ()


def weightless(op: Op) -> Expression | None:
    """The expression of `x` after an operation without modules; None for operations that have one."""
    match op:
        case Activation(function=function, axis=axis):
            more: tuple[Expression, ...] = ()
            if function == "leaky_relu":
                more = (repr(op.negative_slope),)
            elif function in ("softmax", "log_softmax"):
                more = (Named("dim", str(axis)),)
            return Call(_FUNCTIONS[function], ("x", *more))
        case Pad():
            return f"F.pad(x, (0, {op.output[-1] - op.input[-1]}))"
        case Pool():
            return pool(op)
        case Shuffle():
            return shuffle(op)
        case Crop():
            return f"x[..., :{op.output[-1]}]"
        case Transpose():
            return "x.transpose(-1, -2)"
        case Reshape() if len(op.output) == 1:
            return "x.flatten(1)"
        case Reshape():
            return Call("x.reshape", ("x.shape[0]", *map(str, op.output)))
        case _:
            return None


def simple_module(op: Op) -> Expression | None:
    """The constructor of a norm's, a dropout's or a table's module; None for other operations."""
    match op:
        case Embed():
            return f"nn.Embedding({op.rows}, {op.features})"
        case Position():
            return f"Position({op.rows}, {op.features})"
        case Norm(norm=norm, groups=groups):
            features = op.input[feature_axis(op.input)]
            numbers = f"{groups}, {features}" if norm == "group" else str(features)
            more = f", eps={NORM_EPSILON}" if norm == "rms" else ""
            return f"{norm_class(op)}({numbers}{more})"
        case Dropout(probability=probability):
            return f"nn.Dropout({probability!r})"
        case _:
            return None
