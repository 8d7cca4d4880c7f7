"""The emitted module in process: the same text, run in memory, its tables handed over without a file."""

from __future__ import annotations

import linecache
import sys
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nfc.backends.torch_source import TorchSource, emit_torch
from nfc.backends.torch_tables import digest_of
from nfc.diagnostics import Diagnostic, NfcError
from nfc.ir.parameters import Weights
from nfc.lowering.plan import Plan

if TYPE_CHECKING:
    from torch import nn


def build_module(plan: Plan, seed: int = 0) -> nn.Module:
    """The plan's network as an initialised `nn.Module`.

    Raises:
        NfcError: NF610, PyTorch is not installed.
    """
    return cast("nn.Module", module_class(emit_torch(plan))(seed=seed))


def fill_module(module: nn.Module, weights: Weights) -> None:
    """Give an emitted module these weights, by their names; other buffers stay."""
    import torch

    tensors = {name: torch.tensor(value, device="cpu") for name, value in weights.items()}
    module.load_state_dict({**module.state_dict(), **tensors})


def module_class(source: TorchSource) -> type[nn.Module]:
    """The network's class; equal sources give the same class.

    Its module is in `sys.modules` under a name made of a digest, so that `pickle` finds the class
    in this process and says clearly what it misses in another; `inspect` finds its source.
    """
    _require_torch()
    digest = sha256((source.text + digest_of(source.tables)).encode()).hexdigest()[:16]
    name = f"nfc_emitted_{source.stem}_{digest}"
    if name not in sys.modules:
        sys.modules[name] = _run(source, name)
    return cast("type[nn.Module]", getattr(sys.modules[name], source.class_name))


def _run(source: TorchSource, name: str) -> ModuleType:
    import torch

    file = f"<nfc {name}>"
    module = ModuleType(name)
    module.__file__ = file
    linecache.cache[file] = (len(source.text), None, source.text.splitlines(keepends=True), file)
    exec(compile(source.text, file, "exec"), module.__dict__)
    if source.tables:
        tensors = {key: torch.tensor(table, device="cpu") for key, table in source.tables.items()}
        module.__dict__["load_tables"] = lambda: tensors
    return module


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise NfcError(
            [
                Diagnostic(
                    "NF610",
                    "a module in this process needs PyTorch, which is not installed",
                    None,
                    hints=("install it with `pip install neurofabric[torch]`",),
                )
            ]
        ) from error
