"""The command line: finds its commands, runs one, and tells errors to people with a stable exit code."""

from __future__ import annotations

import importlib
import itertools
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from ggi import messages
from ggi.cli.completion import use_own_scripts
from ggi.cli.output import say_json
from ggi.cli.root import app
from ggi.cli.typer_words import localise, usage_error
from ggi.errors import EXIT_FAILED, EXIT_INPUT, GgiError, Problem

JOURNEY = (
    "new",
    "list",
    "validate",
    "explain",
    "inputs",
    "plan",
    "render",
    "diagram",
    "preview",
    "up",
    "status",
    "refresh",
    "clean",
    "down",
)
"""Commands in the order in which one meets them; the others follow by name, and then those for this checkout."""
LAST = ("env", "sandbox", "doctor", "schema", "test", "bench")

INTERRUPTED = 130
"""What Typer makes of Ctrl-C."""
GLOBAL_OPTIONS = ("--inventory", "--content", "--lang")


UsageError: Any = typer.BadParameter.__mro__[1]
"""Typer's own error for wrong use; it has no public name of its own."""


def _globals_first(arguments: list[str]) -> list[str]:
    """Move global options to the front, so that they may stand anywhere. One without its value is all that is left."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name = word.split("=", 1)[0]
        if word == "--":
            rest += [word, *words]
        elif name in GLOBAL_OPTIONS:
            front.append(word)
            if "=" not in word:
                if (value := next(words, None)) is None:
                    return front
                front.append(value)
        else:
            rest.append(word)
    return [*front, *rest]


def _choose_language(words: list[str]) -> None:
    """Choose the language before options are parsed, because help is translated earlier.

    JSON is for programs, so it is in English whatever the language is.
    """
    if "--json" in words:
        messages.set_language("en")
        return
    for word, value in itertools.pairwise([*words, ""]):
        name = word.removeprefix("--lang=") if word.startswith("--lang=") else value if word == "--lang" else ""
        if name in messages.LANGUAGES:
            messages.set_language(name)


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from _commands(inner)


def _built() -> Any:
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "commands")]):
        importlib.import_module(f"ggi.cli.commands.{module.name}")
    root: Any = typer.main.get_command(app)
    known = sorted(root.commands)
    middle = [name for name in known if name not in JOURNEY + LAST]
    root.commands = {name: root.commands[name] for name in (*JOURNEY, *middle, *LAST) if name in known}
    return root


def command_tree() -> Any:
    """Every command, with its help in the language of the user."""
    root = _built()
    for command in _commands(root):
        localise(command)
        if command.help:
            command.help = messages.t(command.help)
            # All of the first paragraph: Typer cuts it off in the middle of a sentence.
            command.short_help = command.help.split("\n\n")[0]
        for parameter in command.params:
            if getattr(parameter, "help", None):
                parameter.help = messages.t(parameter.help)
    return root


def help_texts() -> list[str]:
    """The help of every command and option in English, for the catalogue."""
    commands = list(_commands(_built()))
    options = [getattr(p, "help", None) for c in commands for p in c.params]
    return [text for text in [*(c.help for c in commands), *options] if text]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 fine, 1 findings or failed work, 2 wrong input or use."""
    words = _globals_first(sys.argv[1:] if arguments is None else arguments)
    _choose_language(words)
    try:
        command = command_tree()
        use_own_scripts()
        result: Any = command.main(args=words, prog_name="ggi", standalone_mode=False)
    except GgiError as error:
        show_error(error)
        if "--json" in words:
            say_errors(error.problems)
        return error.exit_code
    except typer.Exit as stop:
        return interrupted() if stop.exit_code == INTERRUPTED else stop.exit_code
    except typer.Abort:
        print(messages.t("Stopped; nothing more was changed."), file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
        else:
            told = usage_error(error)
            print(told, file=sys.stderr)  # noqa: T201
            if "--json" in words:
                say_errors([Problem(told)])
        return EXIT_INPUT
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return interrupted()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"ggi: {where}{error.strerror or error}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except Exception as error:
        if os.environ.get("GGI_DEBUG"):
            raise
        told = messages.t("this is a bug in ggi: {what}", what=f"{type(error).__name__}: {error}")
        print(f"ggi: {told}\n    {messages.t('GGI_DEBUG=1 shows where; please report it.')}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def interrupted() -> int:
    """Say what to do after Ctrl-C; returns the exit code."""
    print(messages.t("Interrupted. Run the same command again to go on."), file=sys.stderr)  # noqa: T201
    return EXIT_FAILED


def say_errors(problems: Iterable[Problem]) -> None:
    """What is wrong, as JSON on standard output, for programs; people read standard error."""
    found = [
        {
            "message": problem.message,
            "fix": problem.fix,
            "file": problem.origin.file if problem.origin else "",
            "line": problem.origin.line if problem.origin else 0,
        }
        for problem in problems
    ]
    say_json({"errors": found})


def show_error(error: GgiError) -> None:
    """Print every problem to standard error, with red only on a terminal."""
    red, bold, plain = ("\033[31m", "\033[1m", "\033[0m") if sys.stderr.isatty() else ("", "", "")
    for problem in error.problems:
        where = f"{bold}{problem.origin}{plain}: " if problem.origin else ""
        print(f"{where}{red}{messages.t('error')}:{plain} {problem.message}", file=sys.stderr)  # noqa: T201
        if problem.fix:
            print(f"    {problem.fix}", file=sys.stderr)  # noqa: T201
