"""preview, up, refresh, down, status, env: from a landscape to a cluster."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.options import Json, Name, Sandbox, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.planning import show_plan
from ggi.cli.workspace import Workspace, start_sandbox
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.engine.stack import Event, Outcome, Stack
    from ggi.engine.target import Target
    from ggi.inventory.load import Environment
    from ggi.landscape.build import Landscape

SIMULATED = mark("pods are simulated (kwok); no container runs")

OPERATIONS = {
    "create": mark("new"),
    "update": mark("changed"),
    "replace": mark("replaced"),
    "create-replacement": mark("new in place of another"),
    "delete": mark("removed"),
    "delete-replaced": mark("removed after replacement"),
}
"""Pulumi's words for what it does, as a summary says them; others stay as they are."""

STATES = {
    mark("ready"): "green",
    mark("external"): "dim",
    mark("waiting"): "yellow",
    mark("failed"): "red",
    mark("missing"): "red",
}
"""The states of a component, and their colours."""


def _prepare(workspace: Workspace, environment: Environment, sandbox: bool) -> Target:
    """The target, with its tools resolved and (for the sandbox) the control plane running."""
    from ggi.engine.tools import PULUMI, resolve

    with Progress() as progress:
        cli = resolve(PULUMI, sandbox=sandbox, report=progress)
        if sandbox:
            start_sandbox(environment, progress)
    if sandbox:
        import shutil

        official = shutil.which("pulumi-resource-kubernetes")
        plugin = official or t("the sandbox's stand-in")
        note(
            t(
                "Engine: Pulumi {version} ({how}); Kubernetes plugin: {plugin}.",
                version=cli.version,
                how=cli.said,
                plugin=plugin,
            )
        )
        return workspace.sandbox_target(environment, cli.path)
    note(
        t(
            "Engine: Pulumi {version} ({how}); context {context}.",
            version=cli.version,
            how=cli.said,
            context=environment.cluster.context,
        )
    )
    return workspace.real_target(environment, cli.path)


def _open(target: Target) -> Stack:
    from ggi.engine.guard import cluster_identity
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.stack import open_stack

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        identity = cluster_identity(api)
    return open_stack(target, identity)


class _Steps:
    """Progress of a run: what is being done, and how much is done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.done:
                self._done.add(event.name)
            if event.op not in ("same", "read", "refresh") and event.done:
                mark = "x" if event.failed else {"create": "+", "delete": "-"}.get(event.op, "~")
                self._progress(f"  {mark} [{len(self._done)}/{self._total}] {event.name}")


def _closing(verb: str, outcome: Outcome, sandbox: bool) -> None:
    parts = [f"{n} {t(OPERATIONS.get(op, op))}" for op, n in sorted(outcome.changes.items()) if op != "same"]
    same = outcome.changes.get("same", 0)
    summary = ", ".join(parts) if parts else t("nothing changed")
    tail = f"; {t(SIMULATED)}" if sandbox else ""
    say(
        paint(
            t(
                "{verb}: {summary} ({same} unchanged) in {seconds:.0f} s{tail}",
                verb=verb,
                summary=summary,
                same=same,
                seconds=outcome.seconds,
                tail=tail,
            ),
            "green",
        )
    )


def _changes(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {"name": s.name, "type": s.type, "op": s.op, "changed": list(s.changed)}
        for s in outcome.steps
        if s.op not in ("same", "read", "refresh")
    ]


def _no_downgrade(built: Landscape, stack: Stack, allowed: bool) -> None:
    from ggi.inventory.types import release_order

    running = stack.outputs().get("release")
    wanted = built.environment.release
    if running and not allowed and release_order(str(running)) > release_order(wanted):
        raise InputError(
            Problem(
                t(
                    "{stack} runs release {running}; {wanted} is older",
                    stack=built.stack,
                    running=running,
                    wanted=wanted,
                ),
                t("Data may not fit an older version. If you are sure, add --downgrade."),
                built.environment.origin("release"),
            )
        )


@app.command()
def preview(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show what an update would change in the cluster; nothing is changed.

    Example: ggi preview gm9901-accp --sandbox
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    stack = _open(_prepare(workspace, built.environment, sandbox))
    with Progress() as progress:
        outcome = stack.preview(_Steps(progress, len(built.objects)))
    if json_output:
        say_json({"stack": built.stack, "changes": outcome.changes, "steps": _changes(outcome)})
        return
    for change in _changes(outcome):
        detail = f"  [{', '.join(change['changed'])}]" if change["changed"] else ""
        say(f"  {change['op']:8} {change['name']}{detail}")
    _closing(t("preview"), outcome, sandbox)


@app.command()
def up(
    name: Name,
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
    downgrade: Annotated[bool, typer.Option("--downgrade", help="Allow a release older than the running one.")] = False,
) -> None:
    """Make the cluster what the landscape says.

    Example: ggi up gm9901 --sandbox --yes
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    if not json_output:
        show_plan(built)
        say(t("  drawing: {path}", path=_draw(built)))
    target = _prepare(workspace, built.environment, sandbox)
    stack = _open(target)
    _no_downgrade(built, stack, downgrade)
    if not yes:
        say(t("This changes {stack} in context {context}.", stack=built.stack, context=target.context))
        typer.confirm(t("Go on?"), abort=True)
    with Progress() as progress:
        outcome = stack.up(_Steps(progress, len(built.objects)))
    if json_output:
        say_json(
            {"stack": built.stack, "changes": outcome.changes, "steps": _changes(outcome), "seconds": outcome.seconds}
        )
        return
    for message in dict.fromkeys(outcome.messages):
        note(f"  {message}")
    _closing(t("up"), outcome, sandbox)


def _draw(built: Landscape) -> str:
    """Write the drawing of a landscape into the user's state folder; returns the file's name."""
    from ggi.paths import state_dir
    from ggi.report.svg import svg

    path = state_dir() / "drawings" / f"{built.stack}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(built), encoding="utf-8")
    return str(path)


@app.command()
def refresh(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Compare the cluster with what was last written, and show drift; nothing in the cluster is changed.

    Example: ggi refresh gm9901 --sandbox
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    stack = _open(_prepare(workspace, built.environment, sandbox))
    with Progress() as progress:
        outcome = stack.refresh(_Steps(progress, len(built.objects)))
    drift = _changes(outcome)
    if json_output:
        say_json({"stack": built.stack, "drift": drift})
    else:
        for change in drift:
            say(f"  {change['op']:8} {change['name']}  [{', '.join(change['changed'])}]")
        _closing(t("refresh"), outcome, sandbox)
    if drift:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def down(name: Name, sandbox: Sandbox = False, yes: Yes = False, json_output: Json = False) -> None:
    """Remove a landscape: in the sandbox, or an environment that is not prod.

    Example: ggi down gm9901-accp --sandbox --yes
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    environment = built.environment
    if environment.name == "prod" and not sandbox:
        raise InputError(
            Problem(
                t("{stack} is productie; `down` does not remove it", stack=environment.stack),
                t("Offboarding is a state of the tenant: write `state: offboarding` in its file."),
                environment.tenant.tree.origin,
            )
        )
    target = _prepare(workspace, environment, sandbox)
    if not yes:
        say(
            t(
                "This removes {stack} and all its data in context {context}.",
                stack=environment.stack,
                context=target.context,
            )
        )
        typer.confirm(t("Go on?"), abort=True)
    stack = _open(target)
    with Progress() as progress:
        outcome = stack.destroy(_Steps(progress, len(built.objects)))
    if json_output:
        say_json({"stack": environment.stack, "changes": outcome.changes})
    else:
        _closing(t("down"), outcome, sandbox)


@app.command()
def status(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show per component whether it is ready in the cluster. Exit code 1 when something is not.

    Example: ggi status gm9901 --sandbox --json
    """
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.status import component_status, running_release

    workspace = Workspace()
    built = workspace.landscape(name)
    environment = built.environment
    if sandbox:
        from sandbox.controlplane import kubeconfig
        from sandbox.layout import Layout

        where: Any = (kubeconfig(), Layout.of("default").context)
    else:
        target = workspace.real_target(environment, workspace.folder)
        where = (target.kubeconfig, target.context)
    with KubeApi.from_kubeconfig(*where) as api:
        found = component_status(api, built)
        release = running_release(api, environment.namespace)
    ready = all(c.state in ("ready", "external") for c in found) and release is not None
    if json_output:
        say_json(
            {
                "stack": built.stack,
                "namespace": environment.namespace,
                "release": {"wanted": environment.release, "running": release},
                "ready": ready,
                "simulated": sandbox,
                "components": [
                    {
                        "name": c.name,
                        "title": c.title,
                        "version": c.version,
                        "state": c.state,
                        "ready": c.state in ("ready", "external"),
                        "host": c.host,
                        "parts": [
                            {"name": p.name, "kind": p.kind, "state": p.state, "detail": p.detail} for p in c.parts
                        ],
                    }
                    for c in found
                ],
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
            say(f"  {t(SIMULATED)}")
    if not ready:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def env(name: Name, sandbox: Sandbox = False) -> None:
    """Print the environment in which plain `pulumi` works on a stack; makes the stack when it is new.

    Example: eval "$(ggi env gm9901-prod --sandbox)" && pulumi preview -s gm9901-prod
    """
    workspace = Workspace()
    environment = workspace.environment(name)
    target = _prepare(workspace, environment, sandbox)
    _open(target)
    say(target.exports())
