# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Functions of autograd in emitted modules, called in the way that takes least time.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.
"""

from __future__ import annotations

import inspect

import torch

from nfc.backends.torch_helpers_inputs import differentiated


def applied(function, *arguments):
    """`function.apply`, or what is faster: `apply` outlasts small products."""
    if differentiated():
        return function.apply(*arguments)
    if torch.is_grad_enabled():
        return function.direct.apply(*arguments)
    return function.forward(*arguments)


def direct(function):
    """An autograd.Function in the form that is applied in half the time, but not by torch.func."""

    class Direct(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *arguments):
            output = function.forward(*arguments)
            function.setup_context(ctx, arguments, output)
            return output

        backward = staticmethod(function.backward)

    return Direct


def prepared(function):
    """Prepares an autograd.Function for `applied`, which calls its form `direct`.

    Its `forward` takes any arguments, as `apply` checks them, which is slow; and it says what it
    cannot do, forward-mode differentiation.
    """
    arguments = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
    function.forward.__signature__ = inspect.Signature([arguments])
    function.direct = direct(function)
    function.jvp = staticmethod(refuse_tangents)
    return function


def refuse_tangents(ctx, *tangents):
    """No product here carries tangents forward."""
    raise RuntimeError("forward mode AD is not supported; reverse mode is: torch.func.vjp, jacrev")
