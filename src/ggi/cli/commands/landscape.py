"""plan, render, diagram: a landscape in numbers, as files and as a picture."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.options import Json, Name
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.inventory.stack import StackKind, kind_of
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
    if built.environment.cluster.names is None and any(r.public for r in built.relations):
        why = t("components reach each other by the gateway, so each may reach all that is behind it (decision 021)")
        say(paint(f"  ! {why}", "yellow"))
    for item in built.open_inputs:
        mark = t("waits for") if item.input.blocks else t("can use")
        say(paint(f"  ! {item.component} {mark}: {t(item.input.title)} ({t(item.input.role)})", "yellow"))


@app.command()
def plan(context: typer.Context, name: Name, json_output: Json = False) -> None:
    """Show what a landscape will hold, without engine or cluster.

    Example: ggi plan gm9901-accp
    """
    built = workspace_of(context).landscape(name)
    if json_output:
        say_json(plan_data(built))
    else:
        show_plan(built)


def draw(built: Landscape) -> Path:
    """Write the drawing of a landscape into the user's state folder; returns the file."""
    from ggi.paths import state_dir
    from ggi.report.svg import svg

    path = state_dir() / "drawings" / f"{built.stack}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(built), encoding="utf-8")
    return path


class DiagramFormat(StrEnum):
    """How a landscape is drawn."""

    SVG = "svg"
    MERMAID = "mermaid"


@app.command()
def render(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="Folder; its subfolder kubernetes gets the manifests.")],
    json_output: Json = False,
) -> None:
    """Write a landscape as Kubernetes manifests, with its relations and network flows as tables. No secret is written.

    Example: ggi render gm9901-prod --out rendered/
    """
    from ggi.report.render import render as write

    if kind_of(name) is StackKind.NETWORK:
        from ggi.app.hosts import find_managed_network
        from ggi.hosts.pages import write as write_hosts

        network = find_managed_network(workspace_of(context), name, platform_of(sandbox=False))
        pages = write_hosts(network.hosts, network.file, out / "hosts")
        if json_output:
            say_json({"stack": network.stack, "hosts": len(network.hosts.host), "files": [str(path) for path in pages]})
            return
        for path in pages:
            say(f"  {path}")
        say(t("{hosts} hosts in {files} files", hosts=len(network.hosts.host), files=len(pages)))
        return
    built = workspace_of(context).landscape(name)
    files = write(built, out)
    if json_output:
        say_json({"stack": built.stack, "objects": len(built.objects), "files": [str(path) for path in files]})
        return
    for path in files:
        say(f"  {path}")
    say(t("{objects} objects in {files} files", objects=len(built.objects), files=len(files)))


@app.command()
def diagram(
    context: typer.Context,
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", help="File; default: standard output.")] = None,
    form: Annotated[
        DiagramFormat | None, typer.Option("--format", help="Default: mermaid for .mmd and .md files, else svg.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Draw a landscape: components by layer, their relations, and the edges of the cluster.

    Example: ggi diagram gm9901-prod --out landscape.svg
    """
    built = workspace_of(context).landscape(name)
    by_name = DiagramFormat.MERMAID if out is not None and out.suffix in (".mmd", ".md") else DiagramFormat.SVG
    chosen = form or by_name
    if chosen is DiagramFormat.SVG:
        from ggi.report.svg import svg as draw
    else:
        from ggi.report.mermaid import mermaid as draw
    text = draw(built)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="\n")
    if json_output:
        where = {"file": str(out)} if out is not None else {"text": text}
        say_json({"stack": built.stack, "format": chosen.value, **where})
    elif out is None:
        say(text.rstrip("\n"))
    else:
        note(t("drawn: {path}", path=out))
