"""plan: what a landscape will hold, without engine or cluster."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ggi.cli.app import app
from ggi.cli.options import Json, Name
from ggi.cli.output import paint, say, say_json, table
from ggi.cli.workspace import Workspace
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.landscape.build import Landscape


def plan_data(built: Landscape) -> dict[str, Any]:
    """The plan of a landscape, for JSON and for the table."""
    environment = built.environment
    components = []
    for name in ("platform", *built.order):
        objects = built.of(name)
        kinds = Counter(o.kind for o in objects)
        placed = built.components.get(name)
        components.append(
            {
                "component": name,
                "title": placed.component.title if placed else "Platform",
                "version": placed.version.version if placed else "",
                "external": bool(placed and placed.external),
                "objects": len(objects),
                "kinds": dict(sorted(kinds.items())),
                "host": built.hosts.get(name, ""),
            }
        )
    return {
        "stack": built.stack,
        "tenant": environment.tenant.name,
        "release": environment.release,
        "namespace": environment.namespace,
        "cluster": environment.cluster_name,
        "objects": len(built.objects),
        "relations": len(built.relations),
        "flows": len(built.flows),
        "fingerprint": built.fingerprint,
        "components": components,
        "open_inputs": [
            {"id": i.id, "what": i.input.title, "role": i.input.role, "blocks": i.input.blocks}
            for i in built.open_inputs
        ],
    }


def _pods(built: Landscape, component: str) -> str:
    """The pods of a component, such as `web 3, worker 2`."""
    counts = []
    for item in built.of(component):
        spec = item.body.get("spec", {})
        count = {"Deployment": "replicas", "StatefulSet": "replicas", "Cluster": "instances"}.get(item.kind)
        if count:
            counts.append(f"{item.name.split('/')[2] if item.kind != 'Cluster' else 'instance'} {spec[count]}")
    return ", ".join(counts)


def show_plan(built: Landscape) -> None:
    """Print what the landscape holds, grouped by component, and what is still waited for."""
    data = plan_data(built)
    say(
        t(
            "{tenant} ({stack}): release {release}, namespace {namespace} on cluster {cluster}",
            **{k: data[k] for k in ("tenant", "stack", "release", "namespace", "cluster")},
        )
    )
    rows = []
    for row in data["components"]:
        rows.append(
            (row["title"], row["version"], row["objects"] or t("external"), _pods(built, row["component"]), row["host"])
        )
    table((t("component"), t("version"), t("objects"), t("pods"), t("host")), rows, indent="  ")
    say(
        t(
            "  {objects} objects from {relations} relations; {flows} flows allowed, everything else denied",
            **{k: data[k] for k in ("objects", "relations", "flows")},
        )
    )
    for item in built.open_inputs:
        mark = t("waits for") if item.input.blocks else t("can use")
        say(paint(f"  ! {item.component} {mark}: {t(item.input.title)} ({t(item.input.role)})", "yellow"))


@app.command()
def plan(name: Name, json_output: Json = False) -> None:
    """Show what a landscape will hold, without engine or cluster.

    Example: ggi plan gm9901-accp
    """
    built = Workspace().landscape(name)
    if json_output:
        say_json(plan_data(built))
    else:
        show_plan(built)
