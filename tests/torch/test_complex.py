"""Complex weights and inputs have the gradients of PyTorch's convention, with conjugates."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from nfc.backends import torch_helpers_products as products
from nfc.backends.torch_module import build_module
from nfc.ir.fabric import Cascade
from nfc.ir.factors import Blocks, Kron
from nfc.lowering import lower
from nfc.lowering.optimise import optimise
from nfc.lowering.target import Target
from tests.build import FABRICS
from tests.torch.networks import one_layer

SETS = Blocks(np.array([[2, 0], [1, 3]]), np.array([[0, 3, 1], [2, 5, 4]]))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", [*FABRICS, "sets", "fused"])
def test_gradients(kind, large, monkeypatch) -> None:
    fabric = SETS if kind == "sets" else FABRICS.get(kind, FABRICS["butterfly"])
    plan = lower(one_layer(Cascade((fabric, Kron(1, 3, fabric.rows, 1))) if kind == "fused" else fabric))
    module = build_module(optimise(plan, Target(runtime="torch")) if kind == "fused" else plan)
    if large:
        monkeypatch.setattr(products, "small", lambda x: False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch says that complex modules are new
        module = module.to(torch.complex128)
    for parameter in module.parameters():
        parameter.data = torch.randn_like(parameter)
    x = torch.randn(3, fabric.cols, dtype=torch.complex128, requires_grad=True)
    names = [name for name, _ in module.named_parameters()]

    def run(x, *values):
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *module.parameters()))
