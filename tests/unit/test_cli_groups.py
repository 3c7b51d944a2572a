"""A group of commands with one that runs when no other is named."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from ggi.cli.typer_words import MAIN, MainCommand, MainGroup

app = typer.Typer(rich_markup_mode=None)
keep = typer.Typer(cls=MainGroup, help="Keep things.")
app.add_typer(keep, name="keep")


@app.command()
def other() -> None:
    """Something else."""


@keep.command(name=MAIN, cls=MainCommand, hidden=True)
def main(names: Annotated[list[str], typer.Argument()], deep: bool = False) -> None:
    """Keep what is named."""
    print("kept", *names, deep)  # noqa: T201


@keep.command()
def check(name: str) -> None:
    """Check one thing."""
    print("checked", name)  # noqa: T201


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("keep a b", "kept a b False\n"),
        ("keep --deep a", "kept a True\n"),
        ("keep a check", "kept a check False\n"),
        ("keep check a", "checked a\n"),
    ],
)
def test_the_first_word_chooses_a_command_and_anything_else_runs_the_main_one(line: str, printed: str) -> None:
    result = CliRunner().invoke(app, line.split())
    assert (result.exit_code, result.output) == (0, printed)


def test_help_shows_the_main_command_under_the_name_of_the_group_and_lists_the_others() -> None:
    text = CliRunner().invoke(app, ["keep", "--help"]).output
    assert " keep [OPTIONS] " in text.splitlines()[0]
    assert "--deep" in text
    assert "check" in text.split("Commands")[1]
    assert MAIN not in text.split("Commands")[1]


def test_a_command_that_misses_its_argument_names_itself() -> None:
    result = CliRunner().invoke(app, ["keep"])
    assert result.exit_code == 2
    assert "keep" in result.output
    assert MAIN not in result.output
