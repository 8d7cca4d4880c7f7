"""The operations of a network in one table: their arguments, and whether they take blocks or a `via`."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.ir.network import SCHEMES

REQUIRED = object()


@dataclass(frozen=True)
class Slot:
    """An argument of an operation.

    Attributes:
        kind: `integer`, `number`, `boolean`, `word`, `shape` (an integer or a list of integers),
            or `window` (an integer or a list of two).
        default: REQUIRED, None for "absent", or a value.
        words: the words that stand for themselves here; a `word` takes nothing else.
        minimum: the least value of a number, or of each number in a list.
        below: what a number must stay below.
    """

    name: str
    kind: str
    default: object = REQUIRED
    words: tuple[str, ...] = ()
    minimum: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        example: how it is written, for hints.
        blocks: how many blocks it takes: `none`, `one` or `many`.
    """

    name: str
    example: str
    positionals: tuple[Slot, ...] = ()
    keywords: tuple[Slot, ...] = ()
    blocks: str = "none"
    via: bool = False


def _size(name: str) -> Slot:
    return Slot(name, "integer", minimum=1)


BIAS = Slot("bias", "boolean", True)
INIT = Slot("init", "word", None, words=SCHEMES)
KERNEL = Slot("kernel", "window", 3, minimum=1)
STRIDE = Slot("stride", "window", 1, minimum=1)
PADDING = Slot("padding", "window", "auto", words=("auto",), minimum=0)
GROUPS = Slot("groups", "integer", None, minimum=1)
AXIS = Slot("axis", "integer", -1)
SLOPE = Slot("slope", "number", 0.01, words=("auto",), minimum=-1e6, below=1e6)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("input", "input [28, 28]", (Slot("SHAPE", "shape", minimum=1),)),
        Operation("linear", "linear 10", (_size("N"),), (BIAS, INIT), via=True),
        Operation(
            "conv",
            "conv 32 kernel=3",
            (_size("C"),),
            (KERNEL, STRIDE, PADDING, BIAS, INIT),
            via=True,
        ),
        Operation("depthwise", "depthwise kernel=3", (), (KERNEL, STRIDE, PADDING, BIAS, INIT)),
        Operation("relu", "relu"),
        Operation("gelu", "gelu"),
        Operation("silu", "silu"),
        Operation("tanh", "tanh"),
        Operation("sigmoid", "sigmoid"),
        Operation("leaky_relu", "leaky_relu slope=0.01", (), (SLOPE,)),
        Operation("softmax", "softmax axis=-1", (), (AXIS,)),
        Operation("log_softmax", "log_softmax axis=-1", (), (AXIS,)),
        Operation(
            "norm",
            "norm layer",
            (Slot("KIND", "word", words=("batch", "layer", "rms", "group")),),
            (GROUPS,),
        ),
        Operation(
            "pool",
            "pool max kernel=2",
            (Slot("KIND", "word", words=("max", "avg", "global")),),
            (Slot("kernel", "window", None, minimum=1), Slot("stride", "window", None, minimum=1)),
        ),
        Operation("dropout", "dropout 10%", (Slot("P", "number", minimum=0, below=1),)),
        Operation("flatten", "flatten"),
        Operation("reshape", "reshape [28, 28]", (Slot("SHAPE", "shape", minimum=1),)),
        Operation("transpose", "transpose"),
        Operation("pad", "pad 1024", (_size("N"),)),
        Operation("crop", "crop 100", (_size("N"),)),
        Operation("shuffle", "shuffle groups=4", (), (Slot("groups", "integer", minimum=1),)),
        Operation("embed", "embed 1000 64", (_size("VOCAB"), _size("DIM"))),
        Operation("position", "position 64", (_size("DIM"),)),
        Operation(
            "attention",
            "attention 8 causal=true",
            (_size("HEADS"),),
            (Slot("causal", "boolean", False), BIAS, INIT),
            via=True,
        ),
        Operation("repeat", "repeat 4 { … }", (_size("N"),), blocks="one"),
        Operation("residual", "residual { … }", (), (Slot("project", "boolean", False),), blocks="one"),
        Operation("sum", "sum { { … } { … } }", blocks="many"),
        Operation("concat", "concat { { … } { … } }", blocks="many"),
    )
}

_LAYER = "`linear N`, wired densely unless `via` names a topology"
_ALIASES: dict[str, str] = {
    "fc": _LAYER,
    "fullyconnected": _LAYER,
    "lin": _LAYER,
    "mlp": "several `linear N` with an activation between",
    "conv1d": "`conv C`",
    "conv2d": "`conv C`",
    "conv3d": "`conv C`",
    "convolution": "`conv C`",
    "depthwiseconv": "`depthwise kernel=3`",
    "batchnorm": "`norm batch`",
    "batchnorm1d": "`norm batch`",
    "batchnorm2d": "`norm batch`",
    "bn": "`norm batch`",
    "layernorm": "`norm layer`",
    "ln": "`norm layer`",
    "rmsnorm": "`norm rms`",
    "groupnorm": "`norm group groups=…`",
    "normalize": "`norm layer`",
    "maxpool": "`pool max kernel=2`",
    "maxpool2d": "`pool max kernel=2`",
    "avgpool": "`pool avg kernel=2`",
    "avgpool2d": "`pool avg kernel=2`",
    "globalpool": "`pool global`",
    "globalavgpool": "`pool global`",
    "swish": "`silu`",
    "lrelu": "`leaky_relu`",
    "elu": "`silu` or `gelu`",
    "logsoftmax": "`log_softmax`",
    "view": "`reshape SHAPE`",
    "resize": "`pad N` or `crop N`",
    "embedding": "`embed VOCAB DIM`",
    "selfattention": "`attention HEADS`",
    "multiheadattention": "`attention HEADS`",
    "mha": "`attention HEADS`",
    "skip": "`residual { … }`",
    "shortcut": "`residual { … }`",
    "resblock": "`residual { … }`",
    "add": "`sum { { … } { … } }`",
    "parallel": "`sum { { … } { … } }`",
    "cat": "`concat { { … } { … } }`",
    "concatenate": "`concat { { … } { … } }`",
    "for": "`repeat N { … }`",
    "loop": "`repeat N { … }`",
    "sequential": "nothing: a block is already a sequence",
    "inputs": "`input SHAPE`",
    "bias": "`bias=true` of a `linear`",
}


def alias_hint(name: str) -> str | None:
    """What another framework's name for an operation is here, as a hint; None where nothing is known."""
    plain = name.lower().replace("_", "")
    if plain == "output":
        return "a network's output is that of its last operation; nothing is written for it"
    for known in OPERATIONS:
        if known.replace("_", "") == plain:
            return f"here it is `{OPERATIONS[known].example}`"
    return f"here it is {_ALIASES[plain]}" if plain in _ALIASES else None
