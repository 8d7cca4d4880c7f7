"""The layout pass: what it chooses, and that networks compute the same whatever lies which way round."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from nfc.backends.onnx_graph.layout import (
    EITHER,
    ENTER,
    FEATURES,
    FEATURES_ALONE,
    LEAVE,
    ROWS,
    ROWS_ALONE,
    Costs,
    Join,
    Layout,
    Layouts,
    Leaf,
    Sequence,
    choose,
)
from nfc.backends.onnx_graph.order import Digit, Order, natural, refined
from nfc.backends.onnx_graph.steps import layouts
from nfc.ir.fabric import Cascade, Fabric, Sum
from nfc.ir.factors import Blocks, Kron
from nfc.ir.network import (
    NORMS,
    Activation,
    Block,
    Concat,
    Crop,
    Network,
    Norm,
    Op,
    Pad,
    Residual,
)
from nfc.ir.network import Sum as Branches
from tests.build import butterfly, linear, network
from tests.onnx.plans import in_pairs, plan_of, weights_of, with_kernels
from tests.onnx.running import assert_computes, compiled, operators

TABLES = (EITHER, ROWS_ALONE, FEATURES_ALONE, {(ROWS, FEATURES): 5, (FEATURES, ROWS): 7, (ROWS, ROWS): 3})


def random_sequence(generator: np.random.Generator, size: int, depth: int, path: str = "s") -> Sequence:
    steps = []
    for number in range(int(generator.integers(0, 4))):
        key, after = f"{path}.{number}", int(generator.integers(1, 9))
        if depth and generator.random() < 0.4:
            branches = tuple(
                random_sequence(generator, size, depth - 1, f"{key}.{branch}") for branch in range(2)
            )
            steps.append(Join(key, branches, size, size))
        else:
            steps.append(Leaf(key, TABLES[generator.integers(len(TABLES))], size, after))
            size = after
    return tuple(steps)


def cost_of(sequence: Sequence, chosen: Layouts, start: Layout, end: Layout, size: int) -> int:
    """The cost of layouts as chosen, counted step by step."""
    total = 0
    for step in sequence:
        read, written = chosen[step.key]
        total += turn(start, read) * step.inputs
        if isinstance(step, Leaf):
            total += step.costs[read, written]
        else:
            total += sum(cost_of(branch, chosen, read, written, step.inputs) for branch in step.branches)
        start, size = written, step.outputs
    return total + turn(start, end) * size


def turn(layout: Layout, wanted: Layout) -> int:
    return 0 if layout is wanted else ENTER if wanted is FEATURES else LEAVE


def steps_in(sequence: Sequence) -> list[tuple[str, Costs]]:
    both = dict.fromkeys(product(Layout, Layout), 0)
    found: list[tuple[str, Costs]] = []
    for step in sequence:
        if isinstance(step, Leaf):
            found.append((step.key, step.costs))
        else:
            found += [(step.key, both), *(held for branch in step.branches for held in steps_in(branch))]
    return found


def test_no_other_layouts_are_cheaper() -> None:
    """Against all choices there are, in random sequences of up to six steps."""
    generator, tried = np.random.default_rng(3), 0
    while tried < 60:
        sequence = random_sequence(generator, 4, depth=2)
        steps = steps_in(sequence)
        if not 2 <= len(steps) <= 6:
            continue
        tried += 1
        found = cost_of(sequence, choose(sequence), ROWS, ROWS, 4)
        ways = product(*(costs for _, costs in steps))
        keys = [key for key, _ in steps]
        best = min(cost_of(sequence, dict(zip(keys, way, strict=True)), ROWS, ROWS, 4) for way in ways)
        assert found == best


def activation(path: str, width: int, function: str = "relu") -> Activation:
    return Activation(path=path, input=(width,), output=(width,), function=function)


def monarchs(count: int, width: int = 64) -> Block:
    layers = (
        (linear(f"linear{number}", butterfly(width, 8)), activation(f"relu{number}", width))
        for number in range(count)
    )
    return tuple(op for layer in layers for op in layer)


def turns(net: Network, **options) -> int:
    """Transposes of a matrix: where a value changes its layout."""
    import onnx

    nodes = onnx.load_from_string(compiled(net, **options)).graph.node
    return sum(node.op_type == "Transpose" and len(node.attribute[0].ints) == 2 for node in nodes)


def test_one_turn_into_a_sparse_stretch_and_one_out() -> None:
    norm = Norm(path="norm1", input=(64,), output=(64,), norm="batch")
    shapes = {"input": (64,), "output": (64,)}
    body = (linear("residual1.linear1", butterfly(64, 8)), activation("residual1.relu1", 64))
    halves = tuple((Crop(path=f"concat1.{half}.crop1", input=(64,), output=(32,)),) for half in range(2))
    ops = (
        *monarchs(2),
        norm,
        Residual(path="residual1", **shapes, body=body),
        Concat(path="concat1", **shapes, branches=halves),
        Crop(path="crop1", input=(64,), output=(48,)),
        Pad(path="pad1", input=(48,), output=(64,)),
        linear("last", butterfly(64, 8)),
    )
    assert turns(network("n", ops)) == 2


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_what_takes_a_mean_over_features_leaves_the_stretch(function: str) -> None:
    ops = (*monarchs(1), activation("softmax1", 64, function), linear("last", butterfly(64, 8)))
    assert turns(network("n", ops)) == 4


def test_a_small_head_reads_what_the_stretch_left() -> None:
    """`Gemm` transposes it; a large one loses more than the turn costs."""
    for outputs, read in ((10, FEATURES), (4096, ROWS)):
        net = network("n", (*monarchs(1), linear("head", Kron(1, outputs, 64, 1))))
        assert layouts(plan_of(net), 64)["head/"] == (read, ROWS)


def test_dense_layers_stay_batch_first() -> None:
    ops = (linear("linear1", Kron(1, 8, 8, 1)), activation("relu1", 8), linear("linear2", Kron(1, 8, 8, 1)))
    assert operators(compiled(network("n", ops))) == ["Gemm", "Relu", "Gemm"]


def test_a_few_rows_stay_batch_first() -> None:
    net = network("n", monarchs(2))
    for batch in (1, 4):
        assert turns(net, batch=batch) == 0
    assert turns(net, batch=5) == 2
    tokens = network("n", (linear("linear1", butterfly(64, 8), leading=(16,)),))
    assert turns(tokens, batch=1) == 2


def test_orders_have_a_common_refinement_or_none() -> None:
    transposed = Order((Digit(4, 1), Digit(2, 4)))
    cut = refined(natural(8), transposed)
    assert cut is not None
    assert set(cut[0].digits) == set(cut[1].digits)
    assert refined(Order((Digit(2, 1), Digit(3, 2))), Order((Digit(3, 1), Digit(2, 3)))) is None


def block_sets(features: int, size: int, seed: int) -> Blocks:
    """Square blocks between index sets at random."""
    generator = np.random.default_rng(seed)
    rows, columns = (np.sort(generator.permutation(features).reshape(-1, size)) for _ in range(2))
    return Blocks(rows, columns)


def test_one_gather_leads_from_index_sets_to_the_next_ones() -> None:
    layers = [linear(f"linear{number}", block_sets(24, 4, number)) for number in range(3)]
    ops = [op for layer in layers for op in (layer, activation(f"{layer.path}.relu", 24))]
    net = network("n", ops)
    for batch in (1, 64):
        assert operators(compiled(net, batch=batch)).count("Gather") == 4
        assert_computes(net, batch=batch)


def test_a_dense_layer_reads_features_where_index_sets_left_them() -> None:
    net = network("n", (linear("linear1", block_sets(24, 4, 0)), linear("head", Kron(1, 5, 24, 1))))
    for batch in (1, 64):
        assert operators(compiled(net, batch=batch)).count("Gather") == 1
        assert_computes(net, batch=batch)


def test_features_are_put_in_order_before_they_are_turned() -> None:
    softmax = Activation(path="softmax1", input=(24,), output=(24,), function="softmax", axis=-1)
    model = compiled(network("n", (linear("linear1", block_sets(24, 4, 0)), softmax)), batch=64)
    assert operators(model)[-3:] == ["Gather", "Transpose", "Softmax"]


ORDERS: dict[str, Fabric] = {
    "natural": Kron(4, 6, 6, 1),
    "ascending": Cascade((Kron(6, 4, 4, 1), Kron(1, 6, 6, 4))),
    "descending": Cascade((Kron(1, 3, 3, 8), Kron(3, 8, 8, 1))),
    "thirds": Cascade((Kron(8, 3, 3, 1), Kron(1, 8, 8, 3))),
    "stages": Cascade((Kron(12, 2, 2, 1), Kron(4, 3, 3, 2), Kron(1, 4, 4, 6))),
    "dense": Kron(1, 24, 24, 1),
    "sets": block_sets(24, 4, seed=0),
    "sum": Sum(
        (Cascade((Kron(6, 4, 4, 1), Kron(1, 6, 6, 4))), Cascade((Kron(8, 3, 3, 1), Kron(1, 8, 8, 3))))
    ),
}
"""Cascades 24 wide that leave their features in many orders."""


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("names", [*product(ORDERS, ORDERS)], ids="+".join)
def test_values_in_different_orders_come_together(names: tuple[str, str], batch: int) -> None:
    first, second = (ORDERS[name] for name in names)
    shapes = {"input": (24,), "output": (24,)}
    body = (linear("residual1.linear1", first), activation("residual1.relu1", 24))
    branches = ((linear("sum1.0.linear1", second),), (linear("sum1.1.linear1", first),), ())
    ops = (
        linear("linear1", second),
        Residual(path="residual1", **shapes, body=body),
        Branches(path="sum1", **shapes, branches=branches),
        linear("head", Kron(1, 5, 24, 1)),
    )
    assert_computes(network("n", ops), batch=batch)


@pytest.mark.parametrize("leading", [(), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("first", ["stages", "sets"])
def test_norms_between_layers(first: str, norm: str, batch: int, leading: tuple[int, ...]) -> None:
    shape = (*leading, 24)
    ops: tuple[Op, ...] = (
        linear("linear1", ORDERS[first], leading=leading),
        Norm(path="norm1", input=shape, output=shape, norm=norm),
        Activation(path="softmax1", input=shape, output=shape, function="softmax", axis=-len(shape)),
        linear("linear2", ORDERS["thirds"], leading=leading),
        Activation(path="softmax2", input=shape, output=shape, function="softmax", axis=-1),
    )
    assert_computes(network("n", ops), batch=batch)


@pytest.mark.parametrize("leading", [(), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int, batch: int, leading: tuple[int, ...]) -> None:
    generator = np.random.default_rng(seed)
    ops = tuple(random_block(generator, "", leading, depth=2))
    net = network("n", ops)
    # small, so that a softmax after many layers does not magnify rounding
    weights = {name: values / 5 if values.ndim > 1 else values for name, values in weights_of(net).items()}
    choice = with_kernels(in_pairs)
    assert_computes(net, weights, choose=choice, batch=batch, optimised=bool(seed % 2))


def random_block(generator: np.random.Generator, path: str, leading: tuple[int, ...], depth: int) -> list[Op]:
    """One to four operations on 24 features."""
    kinds = [
        "layer",
        "layer",
        "activation",
        "norm",
        "resize",
        *(["residual", "sum", "concat"] if depth else []),
    ]
    ops: list[Op] = []
    for number in range(int(generator.integers(1, 5))):
        kind = str(generator.choice(kinds))
        ops += random_operations(generator, kind, f"{path}{kind}{number}", leading, depth)
    return ops


def random_operations(
    generator: np.random.Generator, kind: str, path: str, leading: tuple[int, ...], depth: int
) -> list[Op]:
    shapes = {"input": (*leading, 24), "output": (*leading, 24)}
    half = {"input": (*leading, 24), "output": (*leading, 12)}
    match kind:
        case "layer":
            fabric = ORDERS[str(generator.choice([*ORDERS]))]
            return [linear(path, fabric, leading=leading, bias=bool(generator.random() < 0.7))]
        case "activation":
            function = str(generator.choice(["relu", "tanh", "softmax"]))
            return [Activation(path=path, **shapes, function=function)]
        case "norm":
            return [Norm(path=path, **shapes, norm=str(generator.choice(NORMS)))]
        case "resize":
            narrow = Crop(path=f"{path}crop", **half)
            return [narrow, Pad(path=f"{path}pad", input=half["output"], output=half["input"])]
        case "residual":
            project = linear(f"{path}.project", ORDERS["thirds"], leading=leading, bias=False)
            return [
                Residual(
                    path=path,
                    **shapes,
                    body=tuple(random_block(generator, f"{path}.", leading, depth - 1)),
                    project=project if generator.random() < 0.4 else None,
                )
            ]
    branches = tuple(
        tuple(random_block(generator, f"{path}.{branch}.", leading, depth - 1)) for branch in range(2)
    )
    if kind == "sum":
        return [Branches(path=path, **shapes, branches=(*branches, ()))]
    halves = tuple(
        (*branch, Crop(path=f"{path}.{number}.half", **half)) for number, branch in enumerate(branches)
    )
    return [Concat(path=path, **shapes, branches=halves)]
