"""verify: whether a running landscape works, tried from within."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ggi.cli.ending import end_in_order
from ggi.cli.options import Json, Name, Sandbox
from ggi.cli.output import Progress, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.verifying import Row


@app.command()
def verify(
    context: typer.Context,
    name: Name,
    every: bool = typer.Option(False, "--all", help="Show what works, too."),
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Try whether a landscape works, with short-lived pods in the place of each component. They change nothing.

    Each relation (name, connection, TLS, credential, an answer), each edge, the gateway; and a stranger, who must be
    refused. It needs the right to make and remove pods, a NetworkPolicy and a ServiceAccount in the namespace, and to
    read the pods' log. Exit code 1 when something fails. Example: ggi verify gm9901 --sandbox
    """
    from ggi.app.verifying import ADVICE, STEPS
    from ggi.app.verifying import verify as try_out

    platform = platform_of(sandbox)
    end_in_order()
    with Progress() as progress:
        landscape, rows = try_out(workspace_of(context), name, platform, progress)
    failed = [row for row in rows if not row.well]
    if json_output:
        say_json(
            {
                "stack": landscape.stack,
                "well": not failed,
                "simulated": platform.simulated,
                "checks": [_data(row) for row in rows],
            }
        )
    else:
        shown = rows if every else failed
        if shown:
            lines = [
                (
                    row.check.id,
                    paint(t("works"), "green") if row.well else paint(t(STEPS[row.step]), "red"),
                    row.seen,
                )
                for row in shown
            ]
            table((t("from and to"), t("outcome"), t("seen")), lines, indent="  ")
        for step in dict.fromkeys(row.step for row in failed):
            say(f"  {t(STEPS[step])}: {t(ADVICE[step])}")
        refused = sum(bool(row.check.refused) for row in rows)
        say(
            t(
                "{stack}: {well} of {total} checks are well; in {refused} of them a stranger or old TLS is refused",
                stack=landscape.stack,
                well=len(rows) - len(failed),
                total=len(rows),
                refused=refused,
            )
        )
        if simulated := platform.simulated:
            say(f"  {t(simulated)}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _data(row: Row) -> dict[str, object]:
    return {
        "id": row.check.id,
        "source": "/".join(part for part in row.check.source if part),
        "target": row.check.target,
        "relation": row.check.relation,
        "refused": bool(row.check.refused),
        "well": row.well,
        "step": row.step,
        "seen": row.seen,
    }
