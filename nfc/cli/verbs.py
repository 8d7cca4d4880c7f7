"""The table of verbs. A verb's module is imported when it runs, so that no verb pays for another's libraries."""

from __future__ import annotations

import sys
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from nfc.cli import BROKEN_PIPE, FAULT, discard_output
from nfc.diagnostics import did_you_mean
from nfc.version import VERSION

VERBS = {
    "new": "Write a small working .nf file with a check block.",
    "check": "Elaborate files and run their check blocks.",
    "compile": "Compile a network to PyTorch or ONNX.",
    "show": "Show a network's layers, factors and totals.",
    "score": "Score topologies side by side, without data.",
    "search": "Find the best topologies under a budget.",
    "diff": "Say what changed between two files, in terms of networks.",
    "lock": "Write or verify the digests of every layer.",
    "bench": "Time networks against their dense twins.",
    "fmt": "Put files into their canonical layout.",
    "explain": "Print a diagnostic code's page.",
}
"""Verbs in the order of a first day with nfc; each is the function of its name in `nfc.cli.NAME`."""


class Verbs(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"nfc.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A call without a verb shows the help, whole and once, and counts as wrong usage."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(FAULT)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in VERBS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        hint = " ".join(did_you_mean(name, VERBS)) or f"the verbs are {', '.join(VERBS)}"
        raise click.UsageError(f"no verb `{name}`; {hint}", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs from their table, so that a shell waits for none of their modules."""
        verbs = [
            CompletionItem(verb, help=does) for verb, does in VERBS.items() if verb.startswith(incomplete)
        ]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb. A reader that has gone away ends it quietly, before click makes it a failure."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            discard_output()
            ctx.exit(BROKEN_PIPE)
        return code


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`nfc VERB --help` lists a verb's options.",
)
@click.version_option(VERSION, message="nfc %(version)s")
def nfc() -> None:
    """The sparse-network compiler: .nf files to PyTorch and ONNX."""
