"""Options that several verbs share, each a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from nfc.cli.configuration import WrongSettings, current_settings
from nfc.cli.output import Output
from nfc.cli.programs import Opening
from nfc.limits import Limits, read_count
from nfc.settings.model import COLORS, FORMATS

Verb = TypeVar("Verb", bound=Callable[..., Any])


def count(text: str) -> int:
    """A positive integer, with the suffixes of the language: `64k`, `2M`, `1G`."""
    number = read_count(text)
    if number is None:
        raise click.BadParameter(f"expected a positive integer such as 4096 or 64k, found `{text}`")
    return number


def definition(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, the value as written in `.nf`."""
    name, equals, value = text.partition("=")
    if not (equals and value.strip() and name.strip().isidentifier()):
        raise click.BadParameter(f"expected NAME=VALUE, found `{text}`")
    return name.strip(), value.strip()


def output_options(verb: Verb) -> Verb:
    """`--format`, `--quiet`, `--color` and the choice of a configuration, handed on as `output`.

    Settings that are wrong end the verb with 2, as wrong options do; in the text format they are
    diagnostics, in others they stand in the document. A verb whose format is SARIF ends with 0 on
    findings, as its consumers expect.
    """

    @click.option("--format", type=click.Choice(FORMATS), help="Default: text.")
    @click.option("--quiet", "-q", is_flag=True, help="Print diagnostics only.")
    @click.option("--color", type=click.Choice(COLORS), help="Default: auto.")
    @click.option(
        "--config", metavar="FILE", help="Read [tool.nfc] of FILE; default: the nearest pyproject.toml."
    )
    @click.option("--no-config", is_flag=True, help="Read no configuration.")
    @functools.wraps(verb)
    def wrapped(
        *args: Any,
        format: str | None,
        quiet: bool,
        color: str | None,
        config: str | None,
        no_config: bool,
        **options: Any,
    ) -> Any:
        if config is not None and no_config:
            raise click.UsageError("--config and --no-config exclude each other")
        try:
            settings = current_settings()
        except WrongSettings as wrong:
            output = Output(format or "text", color or "auto", quiet)
            output.result({"ok": False}, "", wrong.diagnostics)
            return 2
        output = Output(
            format or settings.format or "text", color or settings.color or "auto", quiet, settings.ignores
        )
        code = verb(*args, output=output, **options)
        return 0 if output.format == "sarif" and code == 1 else code

    return wrapped  # type: ignore[return-value]


def document_options(verb: Verb) -> Verb:
    """`--format`, `--quiet`, `--color` of a verb that prints what it has and reads no configuration."""

    @click.option("--format", type=click.Choice(FORMATS[:2]), default="text", show_default=True)
    @click.option("--quiet", "-q", is_flag=True, help="Print diagnostics only.")
    @click.option("--color", type=click.Choice(COLORS), default="auto", show_default=True)
    @functools.wraps(verb)
    def wrapped(*args: Any, format: str, quiet: bool, color: str, **options: Any) -> Any:
        return verb(*args, output=Output(format, color, quiet), **options)

    return wrapped  # type: ignore[return-value]


LIMITS = {
    "nesting": "depth of blocks, brackets and calls",
    "integer_bits": "bits of an integer",
    "operations": "operations after expansion",
    "width": "features of a layer",
    "edges": "edges of a network",
    "file_bytes": "bytes of a source file",
    "seconds": "seconds that elaboration may take",
}
"""What each field of `Limits` bounds, as `--help` says it."""


def program_options(verb: Verb) -> Verb:
    """How files are read and elaborated, handed on as `opening`, and `--network`."""

    @click.option(
        "-D",
        "defines",
        type=definition,
        multiple=True,
        metavar="NAME=VALUE",
        help="Override a parameter of the file; repeatable.",
    )
    @click.option("--network", metavar="NAME", help="The network, where a file holds several.")
    @click.option(
        "--allow-outside", is_flag=True, help="Let `use` and `file` reach files outside of FILE's folder."
    )
    @limit_options
    @functools.wraps(verb)
    def wrapped(
        *args: Any, defines: tuple[tuple[str, str], ...], allow_outside: bool, limits: Limits, **options: Any
    ) -> Any:
        return verb(*args, opening=Opening(dict(defines), limits, allow_outside, _defaults()), **options)

    return wrapped  # type: ignore[return-value]


def _defaults() -> dict[str, Any]:
    """The parameters that the configuration sets; none where it is wrong, which `output_options` reports."""
    try:
        return dict(current_settings().define)
    except WrongSettings:
        return {}


def seed_option(meaning: str) -> Callable[[Verb], Verb]:
    """`--seed`, which every verb with weights takes; `meaning` says what it does there."""
    return click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, metavar="N", help=meaning)


def _set_limits() -> dict[str, Any]:
    """The limits that the configuration sets."""
    try:
        return dict(current_settings().limits)
    except WrongSettings:
        return {}


def limit_options(verb: Verb) -> Verb:
    """A `--max-…` option for each of the language's limits, handed on as `limits`."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **options: Any) -> Any:
        chosen = {name: options.pop(f"max_{name}") for name in LIMITS}
        given = {name: value for name, value in chosen.items() if value is not None}
        return verb(*args, limits=Limits(**{**_set_limits(), **given}), **options)

    decorated: Any = wrapped
    defaults = Limits()
    for name, meaning in reversed(LIMITS.items()):
        flag = f"--max-{name.replace('_', '-')}"
        kind = click.FloatRange(min=0, min_open=True) if name == "seconds" else count
        note = f"Limit: {meaning}; default {getattr(defaults, name):,.0f}."
        decorated = click.option(flag, type=kind, metavar="N", help=note)(decorated)
    return decorated  # type: ignore[no-any-return]
