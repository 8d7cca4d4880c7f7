"""Rules of operations on [C, H, W] (`nfc.ir.verify`)."""

from __future__ import annotations

from nfc.ir.convolutions import POOLS, Conv, Depthwise, Pool, Shuffle, swept
from nfc.ir.factors import Kron
from nfc.ir.network import feature_axis, is_image
from nfc.ir.rule import Rule


def _windows_are_sound(op: Conv) -> bool:
    return min(*op.kernel, *op.stride) >= 1 and min(op.padding) >= 0


def _fills_its_output(op: Conv) -> bool:
    return op.output[1:] == swept(op.input, op.kernel, op.stride, op.padding)


def _pooled_shape(op: Pool) -> bool:
    if op.pool == "global":
        return op.kernel == op.stride == op.input[1:] and op.output == op.input[:1]
    sound = min(*op.kernel, *op.stride) >= 1
    return sound and op.output == (op.input[0], *swept(op.input, op.kernel, op.stride, (0, 0)))


def _is_diagonal(op: Depthwise) -> bool:
    return op.fabric == Kron(op.input[0], 1, 1, 1)


CONVOLUTION_RULES = (
    Rule(
        Conv,
        "a convolution maps [C, H, W] to [C, H, W]",
        lambda op: is_image(op.input) and is_image(op.output),
    ),
    Rule(Conv, "kernels and strides are at least 1, paddings at least 0", _windows_are_sound),
    Rule(Conv, "the output holds the places of the windows", _fills_its_output),
    Rule(Depthwise, "a depthwise convolution's fabric is a diagonal", _is_diagonal),
    Rule(Pool, "the pool is one of POOLS", lambda op: op.pool in POOLS),
    Rule(Pool, "a pool reads [C, H, W]", lambda op: is_image(op.input)),
    Rule(Pool, "the output holds the places of the windows", _pooled_shape),
    Rule(Shuffle, "the shape stays as it is", lambda op: op.input == op.output),
    Rule(
        Shuffle,
        "the groups divide the features",
        lambda op: op.groups >= 1 and op.input[feature_axis(op.input)] % op.groups == 0,
    ),
)
