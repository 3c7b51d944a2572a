"""Arguments and options that many commands share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from ggi.cli import completion
from ggi.errors import InputError, Problem
from ggi.messages import t

Name = Annotated[
    str,
    typer.Argument(
        metavar="STACK", autocompletion=completion.stacks, help="gm9901-prod, gm9901, or the name of a gemeente."
    ),
]
AnyName = Annotated[
    str,
    typer.Argument(
        metavar="STACK", autocompletion=completion.all_stacks, help="A stack of any kind, such as gm9901-prod."
    ),
]
MaybeName = Annotated[
    str | None, typer.Argument(metavar="[STACK]", autocompletion=completion.stacks, help="Only this one; default: all.")
]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the sandbox on this machine.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SignedBy = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The public key that it must be signed with.")
]
OnDate = Annotated[str | None, typer.Option("--date", metavar="DATE", help="Judge as on this date; default today.")]
From = Annotated[str, typer.Option("--from", metavar="PLACE", help="Where to look: plan, state or live.")]
Change = Annotated[
    str | None,
    typer.Option("--change", "--ticket", metavar="NUMBER", help="Number of the change; the trail keeps it."),
]
Urgent = Annotated[
    bool, typer.Option("--urgent", help="Go through what the controls refuse; another person approves afterwards.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why it is urgent.")]
BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="The first measurement: what it has is known, and does not count."),
]


def date_of(text: str | None) -> dt.date:
    """The date (peildatum) that `--date` names, else today. Raises InputError."""
    from ggi.clock import today

    if text is None:
        return today()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"--date: {t('{value} is not a date', value=text)}"
        raise InputError(Problem(message, t("Write it as YYYY-MM-DD."))) from None
