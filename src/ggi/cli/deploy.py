"""preview, up, refresh, down, env: from a landscape to a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.options import Json, Name, Sandbox, Yes
from ggi.cli.output import Progress, note, paint, say, say_json
from ggi.cli.planning import show_plan
from ggi.cli.workspace import Workspace, simulated, start_sandbox
from ggi.errors import EXIT_FAILED, InputError, Problem, WorkError
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.engine.events import Event, Outcome
    from ggi.engine.stack import Stack
    from ggi.engine.target import Target
    from ggi.inventory.load import Environment
    from ggi.landscape.build import Landscape


OPERATIONS = {
    "create": mark("new"),
    "update": mark("changed"),
    "replace": mark("replaced"),
    "create-replacement": mark("new in place of another"),
    "delete": mark("removed"),
    "delete-replaced": mark("removed after replacement"),
}
"""Pulumi's words for what it does, as a summary says them; others stay as they are."""


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
        note(
            t(
                "Engine: Pulumi {version} ({how}); Kubernetes plugin: {plugin}.",
                version=cli.version,
                how=cli.said,
                plugin=official or t("the sandbox's stand-in"),
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


def _refuse(workspace: Workspace, name: str, sandbox: bool) -> None:
    """Judge the landscape as the policy pack will, before the engine starts. Raises WorkError when it may not go on."""
    from ggi.audit.audit import Place
    from ggi.audit.content import load_controls
    from ggi.audit.deviations import load_waivers
    from ggi.audit.judge import today
    from ggi.audit.refusal import refusals
    from ggi.cli.audit import audit_stack

    controls = load_controls(workspace.catalogue.roots)
    waivers = load_waivers(workspace.catalogue.roots, controls.by_id, controls.retired)
    judged = audit_stack(workspace, name, controls, waivers, Place.PLAN, today(), sandbox)
    if found := refusals(judged):
        note(t("{stack} is refused by the controls; nothing was changed.", stack=judged.stack))
        raise WorkError(*found)


def _open(target: Target, environment: Environment, *, downgrade: bool = True, check: bool = True) -> Stack:
    """The stack, when (with `check`) the cluster is the right one and (without `downgrade`) runs no newer release."""
    from ggi.engine.guard import check_release, cluster_identity
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.stack import open_stack

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        stack = open_stack(target, cluster_identity(api), note, check=check)
        if not downgrade:
            check_release(api, environment)
    return stack


class _Steps:
    """Progress of a run: what is being done, and how much of `total` objects is done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done: set[str] = set()

    def __call__(self, event: Event) -> None:
        if event.op == "refresh":
            self._progress(t("reading what is there"))
        if not event.done or event.op in ("read", "refresh", "replace"):
            return
        self._done.add(event.name)
        if event.op != "same":
            mark = {"create": "+", "create-replacement": "+", "delete": "-", "delete-replaced": "-"}.get(event.op, "~")
            shown = "x" if event.failed else mark
            self._progress(f"  {shown} [{len(self._done)}/{max(self._total, len(self._done))}] {event.name}")


def _closing(verb: str, outcome: Outcome, sandbox: bool, nothing: str = "") -> None:
    """The last line of a run; in the sandbox it says that pods are simulated."""
    for message in outcome.messages:
        note(f"  {message}")
    parts = [f"{n} {t(OPERATIONS.get(op, op))}" for op, n in sorted(outcome.changes.items()) if op != "same"]
    line = t(
        "{verb}: {summary} ({same} unchanged) in {seconds:.0f} s{tail}",
        verb=verb,
        summary=", ".join(parts) or nothing or t("nothing changed"),
        same=outcome.changes.get("same", 0),
        seconds=outcome.seconds,
        tail=f"; {simulated(sandbox)}" if sandbox else "",
    )
    say(paint(line, "green"))


def _changes(outcome: Outcome) -> list[dict[str, Any]]:
    return [{"name": s.name, "type": s.type, "op": s.op, "changed": list(s.changed)} for s in outcome.steps]


def _show(outcome: Outcome) -> None:
    for step in outcome.steps:
        say(f"  {step.op:8} {step.name}" + (f"  [{', '.join(step.changed)}]" if step.changed else ""))


@app.command()
def preview(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show what an update would change in the cluster; nothing is changed.

    Example: ggi preview gm9901-accp --sandbox
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    _refuse(workspace, name, sandbox)
    stack = _open(_prepare(workspace, built.environment, sandbox), built.environment)
    with Progress() as progress:
        outcome = stack.preview(_Steps(progress, len(built.objects)))
    if json_output:
        say_json({"stack": built.stack, "changes": outcome.changes, "steps": _changes(outcome)})
        return
    _show(outcome)
    _closing(t("preview"), outcome, sandbox, t("nothing would change"))


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
    from ggi.engine.target import DOWNGRADE

    workspace = Workspace()
    built = workspace.landscape(name)
    if not json_output:
        show_plan(built)
        say(t("  drawing: {path}", path=_draw(built)))
    _refuse(workspace, name, sandbox)
    if downgrade:
        os.environ[DOWNGRADE] = "1"
    target = _prepare(workspace, built.environment, sandbox)
    stack = _open(target, built.environment, downgrade=downgrade)
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
    _closing(t("up"), outcome, sandbox)


def _draw(built: Landscape) -> str:
    """Write the drawing of a landscape into the user's state folder; returns the file's name."""
    from ggi.paths import state_dir
    from ggi.report.svg import svg

    path = state_dir() / "drawings" / f"{built.stack}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(built), encoding="utf-8")
    return str(path)


def _with_widened(outcome: Outcome, target: Target, built: Landscape) -> Outcome:
    """The outcome with the network rules that Pulumi does not compare to their end."""
    from dataclasses import replace

    from ggi.engine.events import Event
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.widened import widened

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        paths, _ = widened(api, built.objects, built.environment.namespace)
    known = {step.name for step in outcome.steps}
    more = tuple(
        Event(name, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "update", done=True, changed=tuple(found))
        for name, found in paths.items()
        if name not in known
    )
    changes = {**outcome.changes, "update": outcome.changes.get("update", 0) + len(more)} if more else outcome.changes
    return replace(outcome, changes=changes, steps=(*outcome.steps, *more))


@app.command()
def refresh(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Compare the cluster with what was last written. Exit code 1 when it differs; nothing is changed.

    The next `ggi up` restores what differs. Example: ggi refresh gm9901 --sandbox
    """
    workspace = Workspace()
    built = workspace.landscape(name)
    environment = built.environment
    target = _prepare(workspace, environment, sandbox)
    stack = _open(target, environment)
    with Progress() as progress:
        outcome = _with_widened(stack.drift(_Steps(progress, 0)), target, built)
    if json_output:
        say_json({"stack": environment.stack, "drift": _changes(outcome)})
    else:
        _show(outcome)
        _closing(t("refresh"), outcome, sandbox, t("nothing differs"))
    if outcome.changed:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def down(name: Name, sandbox: Sandbox = False, yes: Yes = False, json_output: Json = False) -> None:
    """Remove a landscape: in the sandbox, or an environment that is not prod.

    Example: ggi down gm9901-accp --sandbox --yes
    """
    workspace = Workspace()
    environment = workspace.environment(name)
    if environment.name == "prod" and not sandbox:
        raise InputError(
            Problem(
                t("{stack} is productie; `down` does not remove it", stack=environment.stack),
                t("Offboarding is a state of the tenant: write `state: offboarding` in its file."),
                environment.tenant.tree.origin,
            )
        )
    target = _prepare(workspace, environment, sandbox)
    stack = _open(target, environment)
    if not yes:
        say(
            t(
                "This removes {stack} and all its data in context {context}.",
                stack=environment.stack,
                context=target.context,
            )
        )
        typer.confirm(t("Go on?"), abort=True)
    with Progress() as progress:
        outcome = stack.destroy(_Steps(progress, stack.size()))
    if json_output:
        say_json({"stack": environment.stack, "changes": outcome.changes})
    else:
        _closing(t("down"), outcome, sandbox, t("there was nothing"))


@app.command()
def env(name: Name, sandbox: Sandbox = False) -> None:
    """Print the environment in which plain `pulumi` works on a stack; makes the stack when it is new.

    Example: eval "$(ggi env gm9901-prod --sandbox)" && pulumi preview -s gm9901-prod
    """
    workspace = Workspace()
    environment = workspace.environment(name)
    target = _prepare(workspace, environment, sandbox)
    # Whatever is wrong with the cluster: this is the way to put it right.
    _open(target, environment, check=False).create()
    say(target.exports())
