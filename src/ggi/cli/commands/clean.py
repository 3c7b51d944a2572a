"""clean: what is in a namespace and not of the landscape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.options import Change, Json, Name, Sandbox, Yes
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED
from ggi.messages import mark, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ggi.controls.integrity.judge import Unplanned

OPENS = {
    "way": mark("a way for traffic"),
    "right": mark("a right"),
    "copy": mark("a copy of traffic"),
    "code": mark("a program that runs"),
    "around": mark("a way around a protection"),
    "identity": mark("a certificate"),
    "data": mark("a way to data"),
    "settings": mark("settings or secrets"),
    "availability": mark("room or copies"),
    "other": mark("nothing that is known"),
}
"""What a stranger opens, for people."""


@app.command()
def clean(
    context: typer.Context,
    name: Name,
    sandbox: Sandbox = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove them, after asking.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="KIND/NAME", help="This one; what may hold data needs it.")
    ] = None,
    yes: Yes = False,
    json_output: Json = False,
    change: Change = None,
) -> None:
    """Show what is in the namespace of a landscape and not of it, what it opens, and who may have made it.

    What somebody else needs there is named in the inventory (`others`), with an owner and a reason.
    Exit code 1 when there is something. Example: ggi clean gm9901-accp --sandbox
    """
    from ggi.app import cleaning
    from ggi.app.deploying import operation_on
    from ggi.app.operations import ChangeRequest
    from ggi.engine.kubeapi import KubeApi

    workspace, platform = workspace_of(context), platform_of(sandbox)
    built = workspace.landscape(name)
    request = ChangeRequest(change, confirmed=not yes)
    operation = operation_on(built.environment, "clean", workspace, platform, request, note)
    if remove:
        operation.check()
    kubeconfig, place = platform.kubeconfig(built.environment)
    with KubeApi.from_kubeconfig(kubeconfig, place) as api:
        found = cleaning.find_strangers(api, built)
        chosen = cleaning.choose(found, only or ())
        if not remove or not chosen:
            _show(built.stack, found, json_output)
            raise typer.Exit(EXIT_FAILED if found else 0)
        if not yes:
            _table(chosen)
            typer.confirm(t("Remove {count} objects?", count=len(chosen)), abort=True)
        with operation.run(context=place) as going:
            failed = cleaning.remove(api, chosen, note)
            going.changes, going.failed = {"delete": len(chosen) - failed}, failed > 0
    removed = [cleaning.written(one) for one in chosen]
    if json_output:
        say_json({"stack": built.stack, "removed": removed, "failed": failed, "trail": going.head})
    else:
        say(paint(t("clean: {count} removed: {names}", count=len(chosen) - failed, names=", ".join(removed)), "green"))
    if failed or len(chosen) < len(found):
        raise typer.Exit(EXIT_FAILED)


def _show(stack: str, found: Sequence[Unplanned], json_output: bool) -> None:
    from ggi.app.cleaning import holds_data, written

    if json_output:
        rows = [
            {
                "object": written(one),
                "opens": one.meaning,
                "lets": list(one.lets),
                "by": one.by,
                "data": holds_data(one),
            }
            for one in found
        ]
        say_json({"stack": stack, "strangers": rows})
        return
    if not found:
        say(t("{stack}: nothing is in its namespace that is not of it.", stack=stack))
        return
    _table(found)
    say()
    say(t("Remove them with --remove, or name them in the inventory (`others`) with an owner and a reason."))
    if any(map(holds_data, found)):
        say(t("What may hold data (*) is removed only when it is named: --only KIND/NAME."))


def _table(found: Sequence[Unplanned]) -> None:
    from ggi.app.cleaning import holds_data, written

    rows = [
        (f"{written(one)}{' *' if holds_data(one) else ''}", "; ".join(one.lets) or t(OPENS[one.meaning]), one.by)
        for one in found
    ]
    table((t("object"), t("opens"), t("made by")), rows)
