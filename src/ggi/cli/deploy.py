"""preview, up, refresh, down, env: from a landscape to a cluster."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.baseline import BaselineFile
from ggi.cli.options import Json, Name, Sandbox, Yes
from ggi.cli.output import Progress, note, paint, say, say_json
from ggi.cli.planning import show_plan
from ggi.cli.recording import Change, Reason, Recording, Urgent, environment_of
from ggi.cli.refusing import refuse
from ggi.cli.workspace import Wanted, Workspace, simulated, start_sandbox
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.cli.workspace import Owner
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


def _prepare(workspace: Workspace, owner: Owner, sandbox: bool) -> Target:
    """The target, with its tools resolved and (for the sandbox) the control plane running."""
    from ggi.engine.tools import PULUMI, resolve

    with Progress() as progress:
        cli = resolve(PULUMI, sandbox=sandbox, report=progress)
        if sandbox:
            start_sandbox(owner, progress)
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
        return workspace.sandbox_target(owner, cli.path)
    note(
        t(
            "Engine: Pulumi {version} ({how}); context {context}.",
            version=cli.version,
            how=cli.said,
            context=owner.cluster.context,
        )
    )
    return workspace.real_target(owner, cli.path)


def _open(target: Target, owner: Owner, *, downgrade: bool = True, check: bool = True) -> Stack:
    """The stack, when (with `check`) the cluster is the right one and (without `downgrade`) runs no newer release."""
    from ggi.engine.guard import check_release, cluster_identity
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.stack import open_stack
    from ggi.inventory.load import Environment

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        stack = open_stack(target, cluster_identity(api), note, check=check)
        if not downgrade and isinstance(owner, Environment):
            check_release(api, owner)
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
    wanted = workspace.wanted(name)
    refuse(workspace, wanted, Recording("preview", sandbox))
    stack = _open(_prepare(workspace, wanted.owner, sandbox), wanted.owner)
    with Progress() as progress:
        outcome = stack.preview(_Steps(progress, len(wanted.objects)))
    if json_output:
        say_json({"stack": wanted.stack, "changes": outcome.changes, "steps": _changes(outcome)})
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
    change: Change = None,
    urgent: Urgent = False,
    reason: Reason = None,
    baseline: BaselineFile = None,
) -> None:
    """Make the cluster what the landscape says. A trail keeps who did it, when, for what, and how it was judged.

    Example: ggi up gm9901 --sandbox --yes
    """
    from ggi.engine.target import DOWNGRADE

    workspace = Workspace()
    wanted = workspace.wanted(name)
    recording = Recording("up", sandbox, change, urgent, reason, baseline)
    recording.check(workspace, wanted.stack, environment_of(wanted.owner))
    if not json_output:
        _show_wanted(wanted)
    refuse(workspace, wanted, recording)
    if downgrade:
        os.environ[DOWNGRADE] = "1"
    target = _prepare(workspace, wanted.owner, sandbox)
    stack = _open(target, wanted.owner, downgrade=downgrade)
    if not yes:
        say(t("This changes {stack} in context {context}.", stack=wanted.stack, context=target.context))
        typer.confirm(t("Go on?"), abort=True)
    if sandbox and wanted.landscape:
        _admission_first(workspace, wanted.landscape.environment, target)
    with recording.run(stack, wanted.landscape, confirmed=not yes) as running, Progress() as progress:
        steps = _Steps(progress, len(wanted.objects))
        running.outcome = outcome = stack.up(steps, running.run.message, running.variables)
    if json_output:
        found = {"stack": wanted.stack, "changes": outcome.changes, "steps": _changes(outcome)}
        say_json({**found, "seconds": outcome.seconds, "trail": running.head})
        return
    _closing(t("up"), outcome, sandbox)


def _show_wanted(wanted: Wanted) -> None:
    """Print what a stack will hold, before it is made."""
    if wanted.landscape:
        show_plan(wanted.landscape)
        say(t("  drawing: {path}", path=_draw(wanted.landscape)))
        return
    counts = Counter(item.kind for item in wanted.objects)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    say(
        t(
            "{stack}: {count} objects of the cluster itself: {kinds}",
            stack=wanted.stack,
            count=len(wanted.objects),
            kinds=kinds,
        )
    )


def _admission_first(workspace: Workspace, environment: Environment, target: Target) -> None:
    """Bring the sandbox's cluster up to date, so that its own admission refuses what the controls refuse.

    A sandbox is one cluster, whichever the inventory calls it: the stack that is there, else that of the environment.
    """
    from ggi.audit.cluster import FINGERPRINT, installed
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.locks import locked
    from ggi.inventory.cluster import PREFIX
    from ggi.paths import state_dir

    lock = state_dir() / "locks" / f"{target.context}-admission.lock"
    with locked(lock, t("the admission policies of the sandbox"), note):
        with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
            there, fingerprint = installed(api)
        wanted = workspace.of_cluster(workspace.inventory.cluster(there or f"{PREFIX}{environment.cluster_name}"))
        if fingerprint == wanted.objects[0].body["metadata"]["annotations"][FINGERPRINT]:
            return
        note(
            t(
                "First {stack}: {count} objects, the controls as admission policies of the cluster.",
                stack=wanted.stack,
                count=len(wanted.objects),
            )
        )
        stack = _open(workspace.sandbox_target(wanted.owner, target.cli), wanted.owner)
        with Progress() as progress:
            stack.up(_Steps(progress, len(wanted.objects)))


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
    wanted = workspace.wanted(name)
    target = _prepare(workspace, wanted.owner, sandbox)
    stack = _open(target, wanted.owner)
    with Progress() as progress:
        outcome = stack.drift(_Steps(progress, 0))
    if wanted.landscape:
        outcome = _with_widened(outcome, target, wanted.landscape)
    if json_output:
        say_json({"stack": wanted.stack, "drift": _changes(outcome)})
    else:
        _show(outcome)
        _closing(t("refresh"), outcome, sandbox, t("nothing differs"))
    if outcome.changed:
        raise typer.Exit(EXIT_FAILED)


def _may_go(owner: Owner) -> None:
    """Raise InputError for what `down` does not remove from a real cluster."""
    from ggi.inventory.load import Environment

    if not isinstance(owner, Environment):
        raise InputError(
            Problem(
                t("{stack} is shared by every gemeente on the cluster; `down` does not remove it", stack=owner.stack),
                t("Remove the tenants first; then `pulumi destroy` in the environment of `ggi env`."),
            )
        )
    if owner.name == "prod":
        raise InputError(
            Problem(
                t("{stack} is productie; `down` does not remove it", stack=owner.stack),
                t("Offboarding is a state of the tenant: write `state: offboarding` in its file."),
                owner.tenant.tree.origin,
            )
        )


@app.command()
def down(
    name: Name, sandbox: Sandbox = False, yes: Yes = False, json_output: Json = False, change: Change = None
) -> None:
    """Remove a landscape: in the sandbox, or an environment that is not prod.

    Example: ggi down gm9901-accp --sandbox --yes
    """
    workspace = Workspace()
    owner = workspace.owner(name)
    if not sandbox:
        _may_go(owner)
    recording = Recording("down", sandbox, change)
    recording.check(workspace, owner.stack, environment_of(owner))
    target = _prepare(workspace, owner, sandbox)
    stack = _open(target, owner)
    if not yes:
        say(
            t(
                "This removes {stack} and all its data in context {context}.",
                stack=owner.stack,
                context=target.context,
            )
        )
        typer.confirm(t("Go on?"), abort=True)
    with recording.run(stack, None, confirmed=not yes) as running, Progress() as progress:
        running.outcome = outcome = stack.destroy(_Steps(progress, stack.size()), running.run.message)
    if json_output:
        say_json({"stack": owner.stack, "changes": outcome.changes, "trail": running.head})
    else:
        _closing(t("down"), outcome, sandbox, t("there was nothing"))


@app.command()
def env(name: Name, sandbox: Sandbox = False) -> None:
    """Print the environment in which plain `pulumi` works on a stack; makes the stack when it is new.

    Example: eval "$(ggi env gm9901-prod --sandbox)" && pulumi preview -s gm9901-prod
    """
    workspace = Workspace()
    owner = workspace.owner(name)
    target = _prepare(workspace, owner, sandbox)
    # Whatever is wrong with the cluster: this is the way to put it right.
    _open(target, owner, check=False).create()
    say(target.exports())
