"""What emitted modules do off the usual path: empty batches, devices, tracing, wrong input, wrappers' keys."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad

import nfc
from nfc.backends.torch_module import build_module, module_class
from nfc.backends.torch_source import emit_torch
from nfc.ir.fabric import Cascade, edge_count
from nfc.ir.factors import Blocks, FanIn, Kron
from nfc.lowering import lower
from nfc.lowering.optimise import optimise
from nfc.lowering.target import Target
from tests.build import FABRICS, butterfly, random_values
from tests.torch.networks import NETWORKS, one_layer, random_edges, random_fan_in


@pytest.fixture(scope="module")
def from_file(tmp_path_factory):
    """The class of a network with every kind of layer, imported from its two files."""
    folder = tmp_path_factory.mktemp("emitted")
    source = emit_torch(lower(NETWORKS["every_fabric"]))
    (folder / "every_fabric.py").write_text(source.text, encoding="utf-8")
    (folder / source.index_name).write_bytes(source.index_bytes)
    spec = spec_from_file_location("every_fabric_from_file", folder / "every_fabric.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EveryFabric


def example(batch: int = 5) -> torch.Tensor:
    return torch.tensor(random_values((batch, 4)))


@pytest.mark.parametrize("kind", FABRICS)
def test_a_module_holds_its_edges_and_its_biases_alone(kind):
    module = build_module(lower(one_layer(FABRICS[kind])))
    assert sum(p.numel() for p in module.parameters()) == edge_count(FABRICS[kind]) + FABRICS[kind].rows


def test_fitted_topologies_hold_no_more_than_the_network_counts():
    network = nfc.load(Path(__file__).parents[1] / "corpus" / "fitted.nf").network
    assert sum(p.numel() for p in network.torch().parameters()) == network.params


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("kind", ["hypercube", "edges", "fan_in"])
def test_bags_on_the_empty_output_of_bags(kind):
    """With several threads PyTorch refuses an empty table of rows with the strides (1, 1)."""
    fabric = {
        "hypercube": FABRICS["hypercube"],
        "edges": random_edges(8, 0),
        "fan_in": random_fan_in(8, 3, 0),
    }
    module = build_module(lower(one_layer(Cascade((fabric[kind],) * 3))))
    assert module(torch.zeros(0, 8)).shape == (0, 8)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", FABRICS)
def test_an_empty_batch_goes_forward_and_backward(kind, training):
    """Two layers of a kind, one on the other's output, where they fit."""
    fabric = FABRICS[kind]
    parts = (fabric, fabric, fabric) if fabric.rows == fabric.cols else (fabric,)
    module = build_module(lower(one_layer(Cascade(parts)))).train(training)
    x = torch.zeros(0, fabric.cols, requires_grad=True)
    y = module(x)
    assert y.shape == (0, fabric.rows)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not any(parameter.grad.any() for parameter in module.parameters())
    assert module(torch.zeros(2, 0, fabric.cols)).shape == (2, 0, fabric.rows)


def test_an_exported_module_takes_an_empty_batch():
    parts = (FABRICS["hypercube"], random_edges(8, 0), random_fan_in(8, 3, 0))
    module = build_module(lower(one_layer(Cascade(parts * 2)))).eval()
    batch = ({0: torch.export.Dim("batch", min=0)},)
    x = torch.tensor(random_values((4, 8)))
    exported = torch.export.export(module, (x,), dynamic_shapes=batch).module()
    assert exported(x[:0]).shape == module(x[:0]).shape == (0, 8)
    torch.testing.assert_close(exported(x[:1]), module(x[:1]))


@pytest.mark.parametrize("name", NETWORKS)
def test_symbolic_traces_compute_the_same(name):
    module = build_module(lower(NETWORKS[name]), seed=1).eval()
    x = torch.tensor(random_values((3, *NETWORKS[name].input)))
    # To rounding: traces show plain operations, where modules sum in the order that is fastest.
    torch.testing.assert_close(torch.fx.symbolic_trace(module)(x), module(x), rtol=1e-5, atol=1e-6)


TRACED = {
    "neighbours": random_fan_in(300, 3, 0),
    "sets": Blocks(*(np.random.default_rng(seed).permutation(64).reshape(2, 32) for seed in (0, 1))),
    "stages": butterfly(64),
    "blocks": Kron(2, 256, 256, 1),
}


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("kind", TRACED)
@pytest.mark.parametrize("batch", [1, 3, 40, 80])
def test_traces_take_other_batches(kind, batch):
    plan = lower(one_layer(TRACED[kind]))
    module = build_module(optimise(plan, Target(runtime="torch", batch=batch)), seed=1)
    x = torch.tensor(random_values((batch, *plan.input)))
    expected = build_module(plan, seed=1)(x)
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            traced = torch.jit.trace(module, (x,), check_trace=False)
        torch.testing.assert_close(traced(x), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(traced(x.repeat(3, 1)), expected.repeat(3, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", FABRICS)
def test_outputs_under_autocast_keep_the_low_precision_of_their_inputs(kind):
    module = build_module(lower(one_layer(FABRICS[kind])))
    with torch.autocast("cpu", torch.bfloat16):
        assert module(torch.zeros(2, FABRICS[kind].cols, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", ["dense", "block", "strided", "butterfly", "blocks", "restricted"])
def test_biases_leave_products_under_autocast_in_low_precision(kind):
    module = build_module(lower(one_layer(FABRICS[kind])))
    with torch.autocast("cpu", torch.bfloat16):
        assert module(torch.zeros(2, FABRICS[kind].cols)).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", [kind for kind in FABRICS if kind not in ("dense", "sum", "residual")])
def test_a_wrong_width_names_the_layer_and_both_sizes(kind):
    module = build_module(lower(one_layer(FABRICS[kind])))
    width = FABRICS[kind].cols
    for wrong in (2 * width, width + 1):
        with pytest.raises(ValueError, match=rf"Linear expects \[\.\.\., {width}\], found \[2, {wrong}\]"):
            module(torch.zeros(2, wrong))
    with pytest.raises(ValueError, match=rf"expects \[\.\.\., {width}\], found \[\]"):
        module(torch.zeros(()))


@pytest.mark.parametrize("kind", [kind for kind in FABRICS if kind not in ("dense", "sum")])
def test_whole_numbers_are_refused_instead_of_cut(kind):
    module = build_module(lower(one_layer(FABRICS[kind])))
    with torch.no_grad(), pytest.raises(TypeError, match=r"expects floating point, found torch\.int64"):
        module(torch.ones(2, FABRICS[kind].cols, dtype=torch.int64))


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "module._orig_mod."])
def test_keys_of_a_wrapped_module_say_what_to_strip(wrapper):
    module = build_module(lower(one_layer(FABRICS["block"])))
    state = {f"{wrapper}{key}": value for key, value in module.state_dict().items()}
    for strict in (True, False):
        with pytest.raises(RuntimeError, match="start with") as caught:
            module.load_state_dict(state, strict=strict)
        assert f'removeprefix("{wrapper}")' in str(caught.value)
    module.load_state_dict({key.removeprefix(wrapper): value for key, value in state.items()})


def test_a_module_made_on_the_meta_device_is_complete_once_it_is_moved(from_file):
    expected = from_file(seed=3)
    with torch.device("meta"):
        empty = from_file()
    assert {tensor.device.type for tensor in (*empty.parameters(), *empty.buffers())} == {"meta"}
    assert empty(torch.zeros(5, 4, device="meta")).shape == (5, 4)
    empty.to_empty(device="cpu").reset_parameters(3)
    for (name, table), other in zip(empty.named_buffers(), expected.buffers(), strict=True):
        assert torch.equal(table, other), name
    torch.testing.assert_close(empty(example()), expected(example()), rtol=0, atol=0)


def test_weights_assigned_to_a_module_on_the_meta_device_bring_the_tables(from_file):
    expected = from_file(seed=3)
    with torch.device("meta"):
        empty = from_file()
    empty.load_state_dict(expected.state_dict(), assign=True)
    torch.testing.assert_close(empty(example()), expected(example()), rtol=0, atol=0)


def test_a_module_in_process_can_be_made_on_the_meta_device_first():
    plan = lower(one_layer(FABRICS["fan_in"], bias=False))
    sys.modules.pop(module_class(emit_torch(plan)).__module__)
    with torch.device("meta"):
        empty = build_module(plan)
    expected = build_module(plan)
    x = torch.tensor(random_values((2, FABRICS["fan_in"].cols)))
    empty.to_empty(device="cpu").reset_parameters()
    torch.testing.assert_close(empty(x), expected(x), rtol=0, atol=0)


def test_tables_survive_a_stay_on_the_meta_device_and_a_change_of_type(from_file):
    module, expected = from_file(seed=3), from_file(seed=3)
    module.to("meta").to_empty(device="cpu").double().reset_parameters(3)
    torch.testing.assert_close(module(example().double()).float(), expected(example()))


def test_reset_parameters_takes_deviations_to_another_device(from_file):
    module = from_file(seed=3).to("meta")
    module.reset_parameters(4)
    assert {parameter.device.type for parameter in module.parameters()} == {"meta"}


def test_second_derivatives_and_weights_of_each_sample_of_a_cut_factor():
    fabric = FABRICS["restricted"]
    module = build_module(lower(one_layer(fabric)), seed=1).double()
    x = torch.tensor(random_values((3, fabric.cols))).double().requires_grad_()
    torch.autograd.gradcheck(module, (x,))
    torch.autograd.gradgradcheck(module, (x,))
    parameters = {name: value.detach() for name, value in module.named_parameters()}
    stacked = {name: torch.stack([value, 2 * value]) for name, value in parameters.items()}
    both = torch.vmap(lambda values: torch.func.functional_call(module, values, (x.detach(),)))(stacked)
    torch.testing.assert_close(both[0], module(x))


@pytest.mark.parametrize("kind", ["butterfly", "block", "strided", "diagonal", "edges", "torus", "sum"])
@pytest.mark.parametrize("fuse", [True, False])
def test_fake_tensors_go_through_with_and_without_gradients(kind, fuse):
    fabric = Cascade((FABRICS[kind], Kron(1, 5, FABRICS[kind].rows, 1)))
    module = build_module(optimise(lower(one_layer(fabric)), Target(runtime="torch", fuse=fuse)))
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        x = mode.from_tensor(torch.zeros(3, fabric.cols))
        for wanted in (True, False):
            with torch.set_grad_enabled(wanted):
                assert module(x).shape == (3, 5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_tangents_of_weights_are_not_lost_without_gradients():
    module = build_module(lower(one_layer(FABRICS["edges"], bias=False))).linear1
    x = torch.ones(2, FABRICS["edges"].cols)
    with torch.no_grad(), forward_ad.dual_level():
        weight = forward_ad.make_dual(module.weight, torch.ones_like(module.weight))
        with pytest.raises(RuntimeError, match=r"forward mode AD is not supported; reverse mode is"):
            torch.func.functional_call(module, {"weight": weight}, (x,))


def test_layers_print_their_sizes():
    text = str(build_module(lower(NETWORKS["every_fabric"])))
    assert "edges=24, bias=True, groups=4" in text
    assert "bias=False, groups=" in text
    assert "(fabric): Sequential(" in text


def test_emitted_files_pass_the_type_checker(tmp_path, pytestconfig):
    cache = pytestconfig.cache.mkdir("mypy_of_emitted_files")
    plans = {name: lower(net) for name, net in NETWORKS.items()}
    two_of_four = FanIn(64, np.tile(np.arange(64).reshape(-1, 4)[:, 1:3].reshape(-1), (32, 1)))
    plans["semi_structured"] = optimise(lower(one_layer(two_of_four)), Target(runtime="torch"))
    for name, plan in plans.items():
        (tmp_path / f"{name}.py").write_text(emit_torch(plan).text, encoding="utf-8")
    assert "class SemiStructuredProduct" in (tmp_path / "semi_structured.py").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={cache}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
