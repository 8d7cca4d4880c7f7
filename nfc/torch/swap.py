"""`sparsify`: a model's linear layers and convolutions swapped for fabrics, by name pattern."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from nfc.defaults import BATCH
from nfc.diagnostics import NfcError
from nfc.lowering.cost import speedup
from nfc.torch.candidates import Candidate, candidates, parent_of, scale_of
from nfc.torch.compiled import Compiled, Recipe, Window, compile_layer
from nfc.torch.convolution import FabricConv2d
from nfc.torch.fabric import FabricLayer, kept
from nfc.torch.layer import FabricLinear
from nfc.torch.report import Entry, Report
from nfc.torch.rules import Rules, check_rules, rule_for

logger = logging.getLogger("nfc.torch")

NO_TOPOLOGY = "its rule says so"


@dataclass(frozen=True)
class Options:
    """How layers are chosen and built; see `sparsify`."""

    init: str
    project: bool
    if_faster: bool
    batch: int
    backward: bool


def sparsify(
    model: nn.Module,
    rules: Rules,
    *,
    init: str = "balanced",
    project: bool = False,
    if_faster: bool = False,
    batch: int = BATCH,
    backward: bool = True,
) -> nn.Module:
    """Swap the linear layers and convolutions whose names match a rule for fabrics, in place.

    `nn.Linear`, `nn.Conv2d` and transformers' `Conv1D` are swapped. The new layer keeps the old one's
    bias (the same parameter), device, type, training flag and `requires_grad`; its weights are drawn
    anew, from PyTorch's generator, on the scale of those that they replace. An optimizer has to be made
    afterwards. Layers whose weight is tied, parametrized or read by others stay, as do convolutions
    with groups or dilation, and the report says why.

    Args:
        rules: topology expressions by name pattern (`fnmatch` on the names of `named_modules`), such
            as {"*.mlp.*": "monarch"}; the first that matches a layer holds, None leaves it alone.
        init: the scheme of initialisation.
        project: start from the old weights instead: from the nearest that the topology can hold
            (`nfc.torch.project`), with the relative error in the report.
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
    options = Options(init, project, if_faster, batch, backward)
    choices = [
        (candidate, *_built(candidate, entry, options))
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
    project: bool = False,
    if_faster: bool = False,
    batch: int = BATCH,
    backward: bool = True,
) -> Report:
    """What `sparsify` would do, with the same arguments; the model stays as it is."""
    options = Options(init, project, if_faster, batch, backward)
    choices = _choices(model, rules, options)
    if project:
        choices = ((candidate, _built(candidate, entry, options)[0]) for candidate, entry in choices)
    return _report(model, [entry for _, entry in choices], options)


def _choices(model: nn.Module, rules: Rules, options: Options) -> Iterator[tuple[Candidate, Entry]]:
    """The layers that rules match, and what becomes of each."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a model, a torch.nn.Module, found {model!r}")
    found = candidates(model)
    fabrics = {
        name: type(module).__name__
        for name, module in model.named_modules()
        if isinstance(module, FabricLayer)
    }
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
        before=candidate.weights,
        kernel=candidate.kernel,
        obstacle=NO_TOPOLOGY if topology is None else candidate.obstacle,
    )
    if topology is None or not entry.replaced:
        return entry
    recipe = _recipe(candidate, topology, options)
    compiled = _compiled(recipe)
    factor = _speedup(compiled, recipe)
    slower = "dense is predicted to be faster" if options.if_faster and factor < 1.0 else None
    return replace(entry, after=compiled.weights, speedup=factor, obstacle=slower)


def _recipe(candidate: Candidate, topology: str, options: Options) -> Recipe:
    return Recipe(
        candidate.in_features,
        candidate.out_features,
        topology,
        label=candidate.names[0],
        init=options.init,
        batch=options.batch,
        backward=options.backward,
        window=Window((candidate.kernel[0], candidate.kernel[1])) if candidate.kernel else None,
    )


def _compiled(recipe: Recipe) -> Compiled:
    try:
        return compile_layer(recipe)
    except NfcError as error:
        place = f", in the layer `{recipe.label}` ({recipe.in_features} → {recipe.out_features})"
        raise NfcError(replace(each, message=each.message + place) for each in error.diagnostics) from None


def _speedup(compiled: Compiled, recipe: Recipe) -> float:
    """Predicted time of the dense layer over the fabric's."""
    found = speedup(compiled.product, recipe.target)
    return found.training if recipe.backward and found.training is not None else found.forward


def _built(candidate: Candidate, entry: Entry, options: Options) -> tuple[Entry, FabricLayer | None]:
    """The layer that takes the candidate's place, if one does, and its entry with the error of a projection."""
    if not entry.replaced:
        return entry, None
    old = candidate.module
    try:
        layer = _layer(candidate, entry, options)
        if options.project:
            entry = replace(entry, error=layer.start_from(old))
    except ValueError as error:
        raise ValueError(f"the layer `{entry.name}`: {error}") from None
    layer.bias = old.bias
    return entry, layer


def _layer(candidate: Candidate, entry: Entry, options: Options) -> FabricLayer:
    old = candidate.module
    assert entry.topology is not None
    fields: dict[str, Any] = {
        **kept(old),
        "via": entry.topology,
        "init": options.init,
        "gain": scale_of(old, candidate.out_features),
        "label": entry.name,
        "batch": options.batch,
        "backward": options.backward,
    }
    layer = _like(old, candidate, fields)
    layer.fabric.requires_grad_(old.weight.requires_grad)
    layer.train(old.training)
    return layer


def _like(old: nn.Module, candidate: Candidate, fields: dict[str, Any]) -> FabricLayer:
    """A layer of the old one's kind and sizes."""
    if not isinstance(old, nn.Conv2d):
        return FabricLinear(candidate.in_features, candidate.out_features, **fields)
    return FabricConv2d(
        old.in_channels,
        old.out_channels,
        (candidate.kernel[0], candidate.kernel[1]),
        (old.stride[0], old.stride[1]),
        old.padding if isinstance(old.padding, str) else (old.padding[0], old.padding[1]),
        padding_mode=old.padding_mode,
        **fields,
    )


def _swap(model: nn.Module, candidate: Candidate, layer: FabricLayer) -> nn.Module:
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
