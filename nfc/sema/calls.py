"""Matching the arguments of a call with the parameters of what is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nfc.diagnostics import did_you_mean
from nfc.sema.errors import SemanticError
from nfc.source import Span
from nfc.syntax import ast


@dataclass(frozen=True)
class Formal:
    """A parameter as a call sees it. `kind` is a value's, `topology`, or `any` (of a user's definition)."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True)
class Match:
    """Which expression goes to which parameter, by name; `rest` are those of a variadic callee."""

    given: dict[str, ast.Expression]
    rest: tuple[ast.Expression, ...]
    errors: tuple[SemanticError, ...]


def arguments_of(node: ast.Name | ast.Call) -> tuple[ast.Argument | ast.Each, ...]:
    """The arguments of a call; a bare name is a call without any."""
    return node.arguments if isinstance(node, ast.Call) else ()


def callee(node: ast.Name | ast.Call) -> tuple[str, Span]:
    """The name of what is called, and its place."""
    return (node.name, node.span) if isinstance(node, ast.Name) else (node.function, node.function_span)


def match_call(node: ast.Name | ast.Call, formals: Sequence[Formal], *, variadic: bool = False) -> Match:
    """Match positional arguments in order, named ones by name. All mistakes are found, none raised."""
    name, name_span = callee(node)
    known = {formal.name: formal for formal in formals}
    given: dict[str, ast.Expression] = {}
    rest: list[ast.Expression] = []
    errors: list[SemanticError] = []
    for argument in arguments_of(node):
        if isinstance(argument, ast.Each):
            errors.append(_misplaced_each(name, argument))
        elif argument.name is None and variadic:
            rest.append(argument.value)
        elif argument.name is None:
            free = next((formal.name for formal in formals if formal.name not in given), None)
            if free is None:
                errors.append(_too_many(name, formals, argument))
                break
            given[free] = argument.value
        elif argument.name in given:
            message = f"`{name}` is given `{argument.name}` twice"
            errors.append(SemanticError("NF206", message, argument.span))
        elif argument.name in known:
            given[argument.name] = argument.value
        else:
            errors.append(_unknown(name, formals, argument))
    missing = [f"`{formal.name}`" for formal in formals if formal.required and formal.name not in given]
    if missing and not errors:
        message = f"`{name}` lacks its argument{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        errors.append(
            SemanticError("NF206", message, name_span, hints=(f"write `{signature(name, formals)}`",))
        )
    return Match(given, tuple(rest), tuple(errors))


def signature(name: str, formals: Sequence[Formal]) -> str:
    """`name(required, …, optional=…)`."""
    return f"{name}({', '.join(f.name if f.required else f'{f.name}=…' for f in formals)})"


def _misplaced_each(name: str, argument: ast.Each) -> SemanticError:
    if name == "cascade":
        message = "`cascade` takes `s in range: t` alone, or a number and a topology"
    else:
        message = f"`{name}` takes no `… in …:`; only `cascade` does"
    return SemanticError("NF206", message, argument.span)


def _too_many(name: str, formals: Sequence[Formal], argument: ast.Argument) -> SemanticError:
    count = len(formals)
    takes = "no arguments" if count == 0 else f"at most {count} argument{'s' if count > 1 else ''}"
    hints = (f"write `{signature(name, formals)}`",) if count else ()
    return SemanticError("NF206", f"`{name}` takes {takes}", argument.span, hints=hints)


def _unknown(name: str, formals: Sequence[Formal], argument: ast.Argument) -> SemanticError:
    assert argument.name is not None
    names = [formal.name for formal in formals]
    hints = did_you_mean(argument.name, names) or ((f"write `{signature(name, formals)}`",) if names else ())
    message = f"`{name}` has no argument `{argument.name}`"
    return SemanticError("NF206", message, argument.name_span or argument.span, hints=hints)
