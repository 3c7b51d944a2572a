"""Every command that a message or a page advises exists, with its options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ggi.cli.main import command_tree
from ggi.cli.translations import texts
from ggi.cli.typer_words import MAIN
from ggi.messages import PO, read_catalogue
from ggi.paths import ROOT

COMMAND = re.compile(r"""(?<![\w./-])(?:\./)?ggi((?: +(?:"[^"\n]*"|[^\s`"'&|;<>()]+))+)""")
"""`ggi` with what follows on the line, up to a quote or to what a shell would take for the end of the command."""
INLINE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def _tree() -> Any:
    return command_tree()


def _options(command: Any) -> set[str]:
    return {"-h", "--help"} | {name for p in command.params for name in (*p.opts, *p.secondary_opts)}


def fault(line: str) -> str:
    """What is wrong with a command line such as `up gm9901 --sandbox`; empty when nothing is."""
    command, options = _tree(), _options(_tree())
    passed_on = False
    words = line.replace("\\\n", " ").split()
    takes_value = {name for p in command.params if not p.is_flag for name in p.opts}
    value = False
    for word in words:
        if value:
            value = False
        elif word.startswith("-"):
            name = word.split("=")[0].rstrip(".,:*")
            if len(name) > 2 and name not in options and not passed_on:
                return f"{command.name} has no option {name}"
            value = word in takes_value
        elif inner := getattr(command, "commands", None):
            name = word.rstrip(".,:")
            if name in inner and name != MAIN:
                command = inner[name]
            elif MAIN in inner:
                command = inner[MAIN]
            elif re.fullmatch(r"[a-z][a-z0-9-]*", name):
                return f"{command.name} has no command {name}"
            else:
                return ""  # a placeholder
            main = getattr(command, "commands", {}).get(MAIN)
            options |= _options(command) | (_options(main) if main else set())
            passed_on = bool(command.context_settings.get("ignore_unknown_options"))
    return ""


def advised() -> Iterator[tuple[str, str]]:
    """(where, what follows `ggi`) of every command in messages of both languages, in the README and in the pages."""
    dutch = read_catalogue(PO.read_text(encoding="utf-8"))
    for text in sorted({*texts(), *dutch.values()}):
        yield from ((f"message {text[:60]!r}", found) for found in COMMAND.findall(text))
    for path in [ROOT / "README.md", *pages()]:
        page = path.read_text(encoding="utf-8")
        code = [*BLOCK.findall(page), *INLINE.findall(BLOCK.sub("", page))]
        where = str(path.relative_to(ROOT))
        yield from ((where, found) for text in code for found in COMMAND.findall(text))


def pages() -> list[Path]:
    """The pages for users; decisions tell of what was, and may name what is no more."""
    folders = ("docs/en", "docs/nl", "policies", "sandbox", "roles", "cookbook")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.md"))


def test_every_command_that_is_advised_exists() -> None:
    found = list(advised())
    assert len(found) > 200
    assert not [f"{where}: ggi{line}: {why}" for where, line in found if (why := fault(line))]


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert fault("up gm9901 --sandbox") == fault("audit gm9901 --from plan") == fault("--inventory x up gm9901") == ""
    assert fault("ups gm9901") == "ggi has no command ups"
    assert fault("up gm9901 --sandbx") == "up has no option --sandbx"
    assert fault("sandbox hosts begin") == "hosts has no command begin"
