"""What Typer does not do of itself: its words in the language of the user, and groups that are commands as well.

Typer has them as plain English in its code. Help is translated where a page is written; the message of an error is
recognised by its English text, and one that is not known here stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from ggi.messages import mark, t

HEADINGS = (mark("Options"), mark("Arguments"), mark("Commands"))

REMARKS = (
    (re.compile(r"^Show this message and exit\.$"), mark("Show this message and exit.")),
    (re.compile(r"(?<=[\[ ])required(?=\]$)"), mark("required")),
    (re.compile(r"(?<=[\[ ])env(\s+)var: "), mark("env var: ")),
    (re.compile(r"(?<=[\[ ])default: (?=[^]]*\]$)"), mark("default: ")),
)

ERRORS = (
    (
        re.compile(r"No such option: (?P<name>\S+)(?: \(Possible options: (?P<known>.*)\))?"),
        mark("There is no option {name}."),
    ),
    (
        re.compile(r"No such command '(?P<name>.*?)'\.(?: Did you mean (?P<known>.*)\?)?"),
        mark("There is no command {name}."),
    ),
    (re.compile(r"Missing command\."), mark("Name a command.")),
    (re.compile(r"Missing argument '(?P<name>.*)'\."), mark("The argument {name} is missing.")),
    (re.compile(r"Missing option (?P<name>.*)\."), mark("The option {name} is missing.")),
    (re.compile(r"Option '(?P<name>.*)' requires an argument\."), mark("The option {name} needs a value.")),
    (re.compile(r"Option '(?P<name>.*)' does not take a value\."), mark("The option {name} takes no value.")),
    (re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((?P<name>.*)\)"), mark("Too many arguments: {name}")),
    (
        re.compile(r"Invalid value for (?P<name>.*?): Input should be a valid integer.*"),
        mark("Invalid value for {name}: write a whole number"),
    ),
    (re.compile(r"Invalid value for (?P<name>.*?): (?P<why>.*)", re.DOTALL), mark("Invalid value for {name}: {why}")),
)


def translate_error(message: str) -> str:
    """The message of an error of use, translated when it is a known one."""
    for pattern, text in ERRORS:
        if found := pattern.fullmatch(message):
            values = {name: value for name, value in found.groupdict().items() if name != "known"}
            possible = (found.groupdict().get("known") or "").replace("'", "")
            return t(text, **values) + (" " + t("Did you mean {word}?", word=possible) if possible else "")
    return message


def translate_remark(text: str) -> str:
    """A help text with what Typer adds to it translated."""
    for pattern, word in REMARKS:
        text = pattern.sub(t(word).replace("\\", r"\\"), text)
    return text


def localise(command: Any) -> None:
    """Let `command` write its help pages in the language of the user."""
    base: Any = command.context_class
    formatter: Any = base.formatter_class

    class Formatter(formatter):  # type: ignore[misc]  # Typer has no public name for its own
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or t("Usage:") + " ")

        def write_heading(self, heading: str) -> None:
            super().write_heading(t(heading))

        def write_dl(self, rows: Iterable[tuple[str, str]], *more: Any, **settings: Any) -> None:
            super().write_dl([(first, translate_remark(second)) for first, second in rows], *more, **settings)

    command.context_class = type("Context", (base,), {"formatter_class": Formatter})


def usage_error(error: Any) -> str:
    """What to print for an error of use: how the command is used, where its help is, and what is wrong."""
    context = getattr(error, "ctx", None)
    lines = []
    if context is not None:
        help_option = context.help_option_names[0]
        lines.append(context.get_usage())
        lines.append(t("Try '{command} {option}' for help.", command=context.command_path, option=help_option) + "\n")
    lines.append(f"{t('Error')}: {translate_error(error.format_message())}")
    return "\n".join(lines)


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
