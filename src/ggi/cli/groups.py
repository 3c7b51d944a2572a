"""A command that also has commands: `ggi audit gm9901` judges, `ggi audit verify FILE` verifies."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

MAIN = "main"
"""Name, never typed, of the command that runs when the first word names none of the group's other commands."""


class MainCommand(TyperCommand):
    """The command that a `MainGroup` runs by default; its help lists the others."""

    others: MainGroup | None = None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The options, and below them the group's other commands."""
        super().format_options(ctx, formatter)
        if self.others is not None:
            self.others.format_commands(ctx, formatter)


class MainGroup(TyperGroup):
    """A group whose command `MAIN` takes every line that does not begin with the name of another of its commands."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The group's own context, or that of its main command under the group's name."""
        main = self.commands[MAIN]
        if args and args[0] in self.commands and args[0] != MAIN:
            return super().make_context(info_name, args, parent=parent, **extra)
        if isinstance(main, MainCommand):
            main.others = self
        return main.make_context(info_name, args, parent=parent, **extra)
