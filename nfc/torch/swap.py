"""`sparsify`: a model's linear layers swapped for fabrics, by name pattern."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from nfc.defaults import BATCH
from nfc.diagnostics import NfcError
from nfc.lowering.cost import dense_estimate, estimate
from nfc.torch.candidates import Candidate, candidates, parent_of, scale_of
from nfc.torch.compiled import Compiled, Recipe, compile_layer
from nfc.torch.layer import FabricLinear
from nfc.torch.report import Entry, Report
from nfc.torch.rules import Rules, check_rules, rule_for

logger = logging.getLogger("nfc.torch")

NO_TOPOLOGY = "its rule says so"


@dataclass(frozen=True)
class Options:
    """How layers are chosen and built; see `sparsify`."""

    init: str
    if_faster: bool
    batch: int
    backward: bool


def sparsify(
    model: nn.Module,
    rules: Rules,
    *,
    init: str = "balanced",
    if_faster: bool = False,
    batch: int = BATCH,
    backward: bool = True,
) -> nn.Module:
    """Swap the linear layers whose names match a rule for fabrics, in place.

    `nn.Linear` and transformers' `Conv1D` are swapped. The new layer keeps the old one's bias (the
    same parameter), device, type, training flag and `requires_grad`; its weights are drawn anew, from
    PyTorch's generator, on the scale of those that they replace. An optimizer has to be made afterwards.
    Layers whose weight is tied, parametrized or read by others stay, and the report says why.

    Args:
        rules: topology expressions by name pattern (`fnmatch` on the names of `named_modules`), such
            as {"*.mlp.*": "monarch"}; the first that matches a layer holds, None leaves it alone.
        init: the scheme of initialisation.
        if_faster: leave alone the layers that are predicted to be slower than dense.
        batch: rows (samples times positions) for which kernels are chosen and speed is predicted.
        backward: whether forward and backward are, or forward alone.

    Returns:
        The model, with what was done in `sparsity_report` (a `Report`; `print` shows it as a
        table); the new layer where the model itself is a layer that is swapped.

    Raises:
        NfcError: a topology is wrong or does not take a layer's sizes; the model is as it was.
        ValueError, TypeError: a rule matches no layer, or an argument is wrong; likewise.
    """
    options = Options(init, if_faster, batch, backward)
    choices = [
        (candidate, entry, _layer(candidate, entry, options) if entry.replaced else None)
        for candidate, entry in _choices(model, rules, options)
    ]
    report = _report(model, [entry for _, entry, _ in choices], options)
    for candidate, _, layer in choices:
        if layer is not None:
            model = _swap(model, candidate, layer)
    model.sparsity_report = report
    logger.info("%s", report)
    return model


def plan_sparsify(
    model: nn.Module,
    rules: Rules,
    *,
    init: str = "balanced",
    if_faster: bool = False,
    batch: int = BATCH,
    backward: bool = True,
) -> Report:
    """What `sparsify` would do, with the same arguments; the model stays as it is."""
    options = Options(init, if_faster, batch, backward)
    return _report(model, [entry for _, entry in _choices(model, rules, options)], options)


def _choices(model: nn.Module, rules: Rules, options: Options) -> Iterator[tuple[Candidate, Entry]]:
    """The layers that rules match, and what becomes of each."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a model, a torch.nn.Module, found {model!r}")
    found = candidates(model)
    fabrics = [name for name, module in model.named_modules() if isinstance(module, FabricLinear)]
    check_rules(rules, [candidate.names for candidate in found], fabrics)
    for candidate in found:
        rule = rule_for(candidate.names, rules)
        if rule is not None:
            yield candidate, _entry(candidate, rule, rules[rule], options)


def _entry(candidate: Candidate, rule: str, topology: str | None, options: Options) -> Entry:
    entry = Entry(
        name=candidate.names[0],
        others=candidate.names[1:],
        kind=candidate.kind,
        in_features=candidate.in_features,
        out_features=candidate.out_features,
        rule=rule,
        topology=topology,
        before=candidate.in_features * candidate.out_features,
        obstacle=NO_TOPOLOGY if topology is None else candidate.obstacle,
    )
    if topology is None or not entry.replaced:
        return entry
    recipe = _recipe(candidate, topology, options)
    compiled = _compiled(recipe)
    speedup = _speedup(compiled, recipe)
    slower = "dense is predicted to be faster" if options.if_faster and speedup < 1.0 else None
    return replace(entry, after=compiled.edges, speedup=speedup, obstacle=slower)


def _recipe(candidate: Candidate, topology: str, options: Options) -> Recipe:
    return Recipe(
        candidate.in_features,
        candidate.out_features,
        topology,
        label=candidate.names[0],
        init=options.init,
        batch=options.batch,
        backward=options.backward,
    )


def _compiled(recipe: Recipe) -> Compiled:
    try:
        return compile_layer(recipe)
    except NfcError as error:
        place = f", in the layer `{recipe.label}` ({recipe.in_features} → {recipe.out_features})"
        raise NfcError(replace(each, message=each.message + place) for each in error.diagnostics) from None


def _speedup(compiled: Compiled, recipe: Recipe) -> float:
    """Predicted time of the dense layer over the fabric's."""
    dense = dense_estimate(recipe.out_features, recipe.in_features, recipe.target)
    found = estimate(compiled.product, recipe.target).speedup(dense)
    return found.training if recipe.backward and found.training is not None else found.forward


def _layer(candidate: Candidate, entry: Entry, options: Options) -> FabricLinear:
    """The layer that takes the candidate's place."""
    old = candidate.module
    assert entry.topology is not None
    try:
        gain = scale_of(old, candidate.out_features)
    except ValueError as error:
        raise ValueError(f"the layer `{entry.name}`: {error}") from None
    layer = FabricLinear(
        candidate.in_features,
        candidate.out_features,
        bias=False,
        device=old.weight.device,
        dtype=old.weight.dtype,
        via=entry.topology,
        init=options.init,
        gain=gain,
        label=entry.name,
        batch=options.batch,
        backward=options.backward,
    )
    layer.bias = old.bias
    layer.fabric.requires_grad_(old.weight.requires_grad)
    layer.train(old.training)
    return layer


def _swap(model: nn.Module, candidate: Candidate, layer: FabricLinear) -> nn.Module:
    """The model with the layer wherever the candidate was."""
    for name in candidate.names:
        if not name:
            return layer
        setattr(parent_of(model, name), name.rpartition(".")[2], layer)
    return model


def _report(model: nn.Module, entries: list[Entry], options: Options) -> Report:
    known = (each for each in model.parameters() if not isinstance(each, nn.parameter.UninitializedParameter))
    total = sum(parameter.numel() for parameter in known)
    return Report(entries=tuple(entries), parameters=total, batch=options.batch, backward=options.backward)
