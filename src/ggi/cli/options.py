"""Arguments and options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="STACK", help="gm9901-prod, gm9901, or the name of a gemeente.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the sandbox on this machine; pods are simulated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SignedBy = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The public key that it must be signed with.")
]
