"""approve: another person looks at what was urgent, afterwards."""

from __future__ import annotations

from typing import Annotated

import typer

from ggi.cli.app import app
from ggi.cli.options import Json, Name, Sandbox
from ggi.cli.output import say, say_json
from ggi.cli.workspace import Workspace, sandbox_name
from ggi.errors import InputError, Problem
from ggi.messages import t


@app.command()
def approve(
    name: Name,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number in the trail; `ggi waivers` lists them.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="The role in which you approve; not a name.")],
    remark: Annotated[str, typer.Option("--remark", metavar="TEXT", help="What you looked at.")] = "",
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Approve an urgent update that somebody else did. The stack's trail keeps who approved it, and when.

    Example: ggi approve gm9901 12 --role CISO --remark "Looked at it with the supplier."
    """
    from ggi.assurance.trail import add, identity, read_trail, same_person, trail_file

    stack = Workspace().owner(name).stack
    path = trail_file(stack, sandbox_name() if sandbox else None)
    trail = read_trail(path, stack)
    record = next((r for r in trail.urgent_open() if r["number"] == number), None)
    if record is None:
        waiting = ", ".join(str(r["number"]) for r in trail.urgent_open())
        fix = t("Waiting: {numbers}.", numbers=waiting) if waiting else t("Nothing is waiting.")
        message = t("{stack} has no urgent update {number} to approve", stack=stack, number=number)
        raise InputError(Problem(message, fix))
    if not role.strip():
        raise InputError(Problem(t("a role is missing"), t("Write the role in which you approve, such as CISO.")))
    me = identity()
    if same_person(me, record["who"]):
        message = t("whoever did an urgent update does not approve it ({user})", user=me["user"])
        raise InputError(Problem(message, t("Another person does, under their own account.")))
    added = add(path, stack, {"kind": "approval", "of": number, "role": role.strip(), "remark": remark, "who": me})
    if json_output:
        say_json(added)
    else:
        say(t("{stack} {number}: approved by {role}", stack=stack, number=number, role=role.strip()))
