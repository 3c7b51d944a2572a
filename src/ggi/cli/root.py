"""The root of the command line, to which every module of `ggi.cli.commands` adds its commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggi import messages
from ggi.app.workspace import Workspace

if TYPE_CHECKING:
    from ggi.app.platform import Platform

app = typer.Typer(
    name="ggi",
    help="Shared infrastructure of Dutch municipalities as code: one YAML file per gemeente, the rest is derived.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    context: typer.Context,
    inventory: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Inventory folder; default: the checkout's own.", envvar="GGI_INVENTORY"),
    ] = None,
    content: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Further content root; can be repeated.")
    ] = None,
    lang: Annotated[str | None, typer.Option(metavar="LANG", help="Language: en or nl; default: the locale's.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Without a command: where one is, as JSON.")] = False,
) -> None:
    if lang is not None and lang not in messages.LANGUAGES:
        raise typer.BadParameter(messages.t("write en or nl"), param_hint="--lang")
    context.obj = Workspace(inventory, tuple(content or ()))
    if context.invoked_subcommand is None:
        from ggi.cli.where import show_where

        show_where(context.obj, json_output)
    elif json_output:
        raise typer.BadParameter(messages.t("write it after the command"), param_hint="--json")


def workspace_of(context: typer.Context) -> Workspace:
    """The workspace that the global options name."""
    found = context.obj
    assert isinstance(found, Workspace)  # noqa: S101  (the root command has put it there)
    return found


def platform_of(sandbox: bool) -> Platform:
    """The platform that `--sandbox` means: the sandbox that the environment names, or what is real."""
    if sandbox:
        from sandbox.platform import SandboxPlatform

        return SandboxPlatform.chosen()
    from ggi.app.platform import RealPlatform

    return RealPlatform()
