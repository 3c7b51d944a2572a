"""preflight: whether a cluster has what its landscapes need, before the first update."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from ggi.cli import completion
from ggi.cli.ending import end_in_order
from ggi.cli.options import Json, Sandbox, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED
from ggi.messages import t

COLORS = {"well": "green", "attention": "yellow", "wrong": "red", "not read": "red", "not tried": "dim"}


@app.command()
def preflight(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="CLUSTER", autocompletion=completion.clusters, help="A cluster of a region, such as midden-prod."
        ),
    ],
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="Claim volumes too: do two nodes share one?")] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Make no pods: what only they can try stays open.")
    ] = False,
) -> None:
    """Compare a cluster with what its landscapes need, before the first `up`. It reads, and tries things with pods.

    The pods run in a namespace of their own, which is removed, also after an interruption. What a right is missing for
    is `not read`. Exit code 1 when something is wrong or not read. Example: ggi preflight midden-prod --sandbox
    """
    from ggi.app.preflight.row import FAILED
    from ggi.app.preflight.run import preflight as look
    from ggi.app.preflight.wanted import wanted
    from ggi.engine import net
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.oci import TIMEOUT, Registries

    asked = wanted(workspace_of(context), name)
    platform = platform_of(sandbox)
    _announce(asked.cluster.context if platform.sandbox is None else platform.sandbox, read_only, volumes)
    if not yes and not read_only:
        typer.confirm(t("Go on?"), abort=True, err=True)
    end_in_order()
    with Progress() as progress:
        platform.start(asked.owner, progress)
        with KubeApi.from_kubeconfig(*platform.kubeconfig(asked.owner)) as api, net.client(timeout=TIMEOUT) as http:
            registries = Registries(http, net.mirrors())
            rows = look(api, asked, progress, tried=not read_only, with_volumes=volumes, registries=registries)
    failed = any(row.outcome in FAILED for row in rows)
    if json_output:
        shown = [asdict(row) for row in rows]
        say_json({"cluster": asked.owner.name, "well": not failed, "simulated": platform.simulated, "rows": shown})
    else:
        lines = [
            (row.title, row.found, row.needed, paint(t(row.outcome.value), COLORS[row.outcome.value]), row.todo or "-")
            for row in rows
        ]
        table((t("check"), t("found"), t("needed"), t("outcome"), t("what to do")), lines, indent="  ")
        counts = Counter(row.outcome for row in rows)
        say(", ".join(f"{t(outcome.value)}: {count}" for outcome, count in sorted(counts.items())))
        if simulated := platform.simulated:
            say(f"  {t(simulated)}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _announce(place: str, read_only: bool, volumes: bool) -> None:
    """Say beforehand what is done, and which rights it takes."""
    from ggi.app.preflight.run import RIGHTS, RIGHTS_OF_TRIES, RIGHTS_OF_VOLUMES

    note(t("This reads from {place}. It takes these rights:", place=place))
    for right in RIGHTS:
        note(f"  {right}")
    if read_only:
        return
    note(t("It makes a namespace ggi-preflight-* with short-lived pods, and removes it again:"))
    for right in (*RIGHTS_OF_TRIES, *(RIGHTS_OF_VOLUMES if volumes else ())):
        note(f"  {right}")
