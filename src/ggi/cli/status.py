"""status: how a landscape does in the cluster."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from ggi.cli.app import app
from ggi.cli.options import Json, Name, Sandbox
from ggi.cli.output import paint, say, say_json, table
from ggi.cli.workspace import Wanted, Workspace, simulated
from ggi.errors import EXIT_FAILED
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.engine.status import ComponentStatus


STATES = {
    mark("ready"): "green",
    mark("external"): "dim",
    mark("waiting"): "yellow",
    mark("failed"): "red",
    mark("missing"): "red",
}
"""The states of a component, and their colours."""


@app.command()
def status(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show per component whether it is ready in the cluster. Exit code 1 when something is not.

    Example: ggi status gm9901 --sandbox --json
    """
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.status import component_status, running_release

    workspace = Workspace()
    wanted = workspace.wanted(name)
    if wanted.landscape is None:
        _of_cluster(workspace, wanted, sandbox, json_output)
        return
    built = wanted.landscape
    environment = built.environment
    with KubeApi.from_kubeconfig(*workspace.place(environment, sandbox)) as api:
        found = component_status(api, built)
        release = running_release(api, environment.namespace)
    ready = all(c.ready for c in found) and release is not None
    if json_output:
        say_json(
            {
                "stack": built.stack,
                "namespace": environment.namespace,
                "release": {"wanted": environment.release, "running": release},
                "ready": ready,
                "simulated": sandbox,
                "components": [_row(c) for c in found],
            }
        )
    else:
        say(
            t(
                "{stack}: release {running} runs, {wanted} is wanted",
                stack=built.stack,
                running=release or "-",
                wanted=environment.release,
            )
        )
        rows = [
            (
                c.title,
                c.version,
                " ".join(f"{p.name.removeprefix(c.name + '-')} {p.detail}".strip() for p in c.parts if p.kind != "Job"),
                c.host,
                paint(t(c.state), STATES.get(c.state, "red")),
            )
            for c in found
        ]
        table((t("component"), t("version"), t("pods"), t("host"), t("state")), rows, indent="  ")
        if sandbox:
            say(f"  {simulated(sandbox)}")
    if not ready:
        raise typer.Exit(EXIT_FAILED)


def _of_cluster(workspace: Workspace, wanted: Wanted, sandbox: bool, json_output: bool) -> None:
    """What a cluster has of its own: per kind how many objects are there."""
    from ggi.engine.kubeapi import KubeApi

    with KubeApi.from_kubeconfig(*workspace.place(wanted.owner, sandbox)) as api:
        there = {
            kind: {item["metadata"]["name"] for item in api.list(*kind, labels=f"ggi/stack={wanted.stack}")}
            for kind in sorted({(o.api_version, o.kind) for o in wanted.objects})
        }
    named = [(o.kind, o.kube_name in there[o.api_version, o.kind]) for o in wanted.objects]
    total = Counter(kind for kind, _ in named)
    found = Counter(kind for kind, is_there in named if is_there)
    ready = total == found
    if json_output:
        kinds = {kind: {"wanted": total[kind], "there": found[kind]} for kind in sorted(total)}
        say_json({"stack": wanted.stack, "ready": ready, "simulated": sandbox, "kinds": kinds})
    else:
        say(wanted.stack)
        rows = [(kind, f"{found[kind]}/{total[kind]}") for kind in sorted(total)]
        table((t("kind"), t("objects")), rows, indent="  ")
    if not ready:
        raise typer.Exit(EXIT_FAILED)


def _row(component: ComponentStatus) -> dict[str, Any]:
    return {
        "name": component.name,
        "title": component.title,
        "version": component.version,
        "state": component.state,
        "ready": component.ready,
        "host": component.host,
        "parts": [
            {"name": p.name, "kind": p.kind, "state": p.state, "detail": p.detail, "ready": p.state == "ready"}
            for p in component.parts
        ],
    }
