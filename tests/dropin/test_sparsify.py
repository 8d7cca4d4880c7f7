"""Swapping layers by name: which are taken, which stay, what is kept and what is reported."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from torch import nn

import nfc
from nfc.torch import FabricLinear, plan_sparsify, sparsify
from tests.dropin.masked import matrix


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64, bias=False))
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def types(model: nn.Module) -> dict[str, str]:
    found = {name: type(module).__name__ for name, module in model.named_modules()}
    return {name: kind for name, kind in found.items() if kind in ("Linear", "FabricLinear")}


def test_the_first_rule_that_matches_holds() -> None:
    model = sparsify(Perceptron(), {"body.2": "butterfly", "head": None, "*": "monarch"})
    assert types(model) == {"body.0": "FabricLinear", "body.2": "FabricLinear", "head": "Linear"}
    assert (model.body[0].via, model.body[2].via) == ("monarch", "butterfly")
    assert model.sparsity_report["head"].decision == "left alone: its rule says so"


def test_layers_that_no_rule_matches_stay_unmentioned() -> None:
    model = sparsify(Perceptron(), {"body.*": "monarch"})
    assert type(model.head) is nn.Linear
    assert [entry.name for entry in model.sparsity_report.entries] == ["body.0", "body.2"]


def test_outputs_and_gradients_are_those_of_the_dense_model() -> None:
    model = sparsify(Perceptron(), {"body.*": "monarch", "*": "random(fan_in=6, seed=1)"})
    twin = Perceptron()
    twin.load_state_dict(
        {
            **{f"{name}.weight": matrix(model.get_submodule(name)).detach() for name in types(model)},
            **{name: value for name, value in model.named_parameters() if name.endswith("bias")},
        }
    )
    x = torch.randn(5, 64)
    mirror = x.clone()
    outputs = []
    for each, value in ((model, x), (twin, mirror)):
        value.requires_grad_()
        outputs.append(each(value))
        outputs[-1].square().sum().backward()
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(x.grad, mirror.grad, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model.head.bias.grad, twin.head.bias.grad, rtol=1e-5, atol=1e-5)


def test_what_the_old_layer_had_is_kept() -> None:
    model = Perceptron().to(torch.bfloat16)
    bias = model.body[0].bias
    model.body[0].eval()
    model.body[0].weight.requires_grad_(False)
    sparsify(model, {"body.*": "monarch"})
    first, second = model.body[0], model.body[2]
    assert first.bias is bias
    assert second.bias is None
    assert (first.training, second.training) == (False, True)
    assert {weight.requires_grad for weight in first.fabric.parameters()} == {False}
    assert {weight.requires_grad for weight in second.fabric.parameters()} == {True}
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("via", ["monarch", "parallel(2, butterfly)", "random(fan_in=8)"])
def test_the_scale_of_the_place_is_kept(via: str) -> None:
    model = nn.Sequential(nn.Linear(256, 256))
    nn.init.normal_(model[0].weight, std=0.02 / 4)
    before = model[0].weight.square().sum().item()
    sparsify(model, {"*": via})
    after = matrix(model[0]).square().sum().item()
    assert after == pytest.approx(before, rel=0.25)


def test_weights_follow_the_generator() -> None:
    def drawn(seed: int) -> torch.Tensor:
        model = Perceptron()
        torch.manual_seed(seed)
        return sparsify(model, {"head": "monarch"}).head.fabric[0].weight.detach()

    torch.manual_seed(3)
    model = sparsify(nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32)), {"*": "random(fan_in=4)"})
    assert model[0].topology_digest != model[1].topology_digest
    assert not torch.equal(drawn(1), drawn(2))


def test_a_layer_used_twice_stays_one_layer() -> None:
    layer = nn.Linear(32, 32)
    model = nn.ModuleDict({"a": layer, "b": nn.ReLU(), "c": nn.Sequential(layer)})
    sparsify(model, {"c.*": "monarch"})
    assert isinstance(model["a"], FabricLinear)
    assert model["a"] is model["c"][0]
    (entry,) = model.sparsity_report.entries
    assert (entry.name, entry.others) == ("a", ("c.0",))
    assert model.sparsity_report["c.0"] is entry


def test_tied_weights_stay() -> None:
    model = nn.ModuleDict({"embedding": nn.Embedding(50, 32), "head": nn.Linear(32, 50, bias=False)})
    model["head"].weight = model["embedding"].weight
    sparsify(model, {"*": "monarch"})
    assert model["head"].weight is model["embedding"].weight
    assert model.sparsity_report["head"].decision == "left alone: its weight is also embedding.weight"


def with_hook(layer: nn.Linear) -> nn.Linear:
    layer.register_forward_pre_hook(lambda module, arguments: None)
    return layer


class Doubled(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    ("layer", "obstacle"),
    [
        (nn.utils.parametrizations.weight_norm(nn.Linear(8, 8)), "its weight is parametrized"),
        (with_hook(nn.Linear(8, 8)), "it has hooks"),
        (Doubled(8, 8), "Doubled computes something else than nn.Linear"),
        (nn.LazyLinear(8), "its sizes are not known yet"),
    ],
)
def test_layers_that_are_more_than_linear_stay(layer: nn.Module, obstacle: str) -> None:
    model = nn.Sequential(layer)
    sparsify(model, {"*": "monarch"})
    assert model[0] is layer
    assert model.sparsity_report["0"].obstacle == obstacle


def test_an_attention_s_projection_stays() -> None:
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(16, 2)})
    sparsify(model, {"*": "monarch"})
    assert "reads its weight" in model.sparsity_report["attention.out_proj"].obstacle


def test_what_nfc_built_stays() -> None:
    source = nfc.Source("one.nf", "nf 1\nnetwork one {\n    input 16\n    head: linear 8\n}\n")
    model = nn.Sequential(nfc.load(source).network.torch(), nn.Linear(8, 8))
    sparsify(model, {"1": "dense"})
    report = sparsify(model, {"*": "monarch"}).sparsity_report
    assert report["0.head"].obstacle == "it is a part of One, whose topology is fixed"
    assert report["1.fabric"].obstacle == "it is a part of FabricLinear, whose topology is fixed"


def test_a_model_that_is_a_layer() -> None:
    layer = sparsify(nn.Linear(16, 16), {"*": "monarch"})
    assert isinstance(layer, FabricLinear)
    assert layer.sparsity_report.replaced


def test_if_faster_leaves_what_would_be_slower() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(4096, 4096, device="meta"))
    rules = {"0": "butterfly", "*": "monarch"}
    sparsify(model, rules, if_faster=True, batch=256)
    small, large = model.sparsity_report.entries
    assert small.obstacle == "dense is predicted to be faster"
    assert small.speedup < 1 < large.speedup
    assert (type(model[0]), type(model[1])) == (nn.Linear, FabricLinear)
    slow = sparsify(nn.Sequential(nn.Linear(16, 16)), {"*": "butterfly"})
    assert isinstance(slow[0], FabricLinear)


def test_a_dry_run_changes_nothing_and_says_the_same() -> None:
    model = Perceptron()
    before = copy.deepcopy(model.state_dict())
    planned = plan_sparsify(model, {"*": "monarch"})
    assert set(types(model).values()) == {"Linear"}
    torch.testing.assert_close(model.state_dict(), before)
    assert not hasattr(model, "sparsity_report")
    assert sparsify(model, {"*": "monarch"}).sparsity_report == planned


def test_the_report_counts_weights() -> None:
    model = Perceptron()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    report = sparsify(model, {"body.*": "random(fan_in=4)"}).sparsity_report
    assert (report.before, report.after) == (2 * 64 * 96, 4 * (64 + 96))
    now = sum(parameter.numel() for parameter in model.parameters())
    assert report.parameters == parameters
    assert now == parameters - report.before + report.after
    assert f"had {parameters:,} parameters and has {now:,}" in str(report)
    assert "body.0       1  64 → 96  random(fan_in=4)    6,144  384" in str(report)


def test_rows_of_the_report_stand_for_layers_that_are_alike() -> None:
    model = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.ReLU()) for _ in range(12)), nn.Linear(16, 4))
    report = sparsify(model, {"*": "dense"}).sparsity_report
    head, first, second, *_ = str(report).splitlines()
    assert first.startswith("*.*        12  16 → 16")
    assert second.startswith("12          1  16 → 4")
    assert head.index("size") == first.index("16")
    assert len(report.entries) == 13


def test_the_report_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="nfc.torch"):
        model = sparsify(Perceptron(), {"*": "monarch"})
    assert caplog.messages == [str(model.sparsity_report)]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("body", r"did you mean `body\.\*`\?"),
        ("bdoy.*", r"did you mean `body\.\*`\?"),
        ("*.haed", r"did you mean `head`\?"),
        ("0", r"did you mean `\*\.0`\?"),
        ("xyz", "there are `body.0`, `body.2`, `head`$"),
    ],
)
def test_a_rule_that_matches_nothing_names_what_is_near(pattern: str, hint: str) -> None:
    model = Perceptron()
    with pytest.raises(ValueError, match=hint):
        sparsify(model, {"*": "monarch", pattern: "monarch"})
    assert set(types(model).values()) == {"Linear"}


def test_a_topology_that_does_not_fit_names_the_layer_and_changes_nothing() -> None:
    model = Perceptron()
    with pytest.raises(nfc.NfcError, match=r"in the layer `head` \(64 → 10\)"):
        sparsify(model, {"body.*": "monarch", "head": "random(fan_in=65)"})
    assert set(types(model).values()) == {"Linear"}


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ({}, ValueError, "expected rules"),
        (["*"], TypeError, "expected rules such as"),
        ({"*": 3}, TypeError, "found '\\*': 3"),
        ({"*": "monrach"}, nfc.NfcError, "did you mean `monarch`"),
    ],
)
def test_wrong_rules_are_named(rules: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sparsify(Perceptron(), rules)


def test_a_layer_that_was_swapped_before_is_named() -> None:
    model = sparsify(Perceptron(), {"*": "monarch"})
    with pytest.raises(ValueError, match="`head` is a FabricLinear already"):
        sparsify(model, {"head": "butterfly"})


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [("model", {}, "expected a model"), (nn.Linear(4, 4), {"batch": 2.5}, "batch as a whole number")],
)
def test_wrong_arguments_are_named(model: nn.Module, options: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        sparsify(model, {"*": "monarch"}, **options)


def test_weights_without_a_scale_are_named() -> None:
    model = Perceptron()
    model.head.weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="the layer `head`: its weights are not finite"):
        sparsify(model, {"*": "monarch"})
