"""preview, up, refresh, down, env: from a landscape to a cluster."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.app import app
from ggi.cli.baseline import BaselineFile
from ggi.cli.options import Json, Name, Sandbox, Yes
from ggi.cli.output import Progress, say, say_json
from ggi.cli.planning import show_plan
from ggi.cli.recording import Change, Reason, Recording, Urgent, environment_of
from ggi.cli.refusing import refuse
from ggi.cli.running import Steps, admission_first, changes_of, closing, open_stack, prepare, show_steps
from ggi.cli.workspace import Wanted, Workspace
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.cli.workspace import Owner
    from ggi.engine.events import EngineResult
    from ggi.engine.target import Target
    from ggi.landscape.build import Landscape


@app.command()
def preview(name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show what an update would change in the cluster; nothing is changed.

    Example: ggi preview gm9901-accp --sandbox
    """
    workspace = Workspace()
    wanted = workspace.wanted(name)
    refuse(workspace, wanted, Recording("preview", sandbox))
    stack = open_stack(prepare(workspace, wanted.owner, sandbox), wanted.owner)
    with Progress() as progress:
        outcome = stack.preview(Steps(progress, len(wanted.objects)))
    if json_output:
        say_json({"stack": wanted.stack, "changes": outcome.changes, "steps": changes_of(outcome)})
        return
    show_steps(outcome)
    closing(t("preview"), outcome, sandbox, t("nothing would change"))


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
    target = prepare(workspace, wanted.owner, sandbox)
    stack = open_stack(target, wanted.owner, downgrade=downgrade)
    if not yes:
        say(t("This changes {stack} in context {context}.", stack=wanted.stack, context=target.context))
        typer.confirm(t("Go on?"), abort=True)
    if sandbox and wanted.landscape:
        admission_first(workspace, wanted.landscape.environment, target)
    with recording.run(stack, wanted.landscape, confirmed=not yes) as running, Progress() as progress:
        steps = Steps(progress, len(wanted.objects))
        running.outcome = outcome = stack.up(steps, running.run.message, running.variables)
    if json_output:
        found = {"stack": wanted.stack, "changes": outcome.changes, "steps": changes_of(outcome)}
        say_json({**found, "seconds": outcome.seconds, "trail": running.head})
        return
    closing(t("up"), outcome, sandbox)


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


def _draw(built: Landscape) -> str:
    """Write the drawing of a landscape into the user's state folder; returns the file's name."""
    from ggi.paths import state_dir
    from ggi.report.svg import svg

    path = state_dir() / "drawings" / f"{built.stack}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(built), encoding="utf-8")
    return str(path)


def _with_widened(outcome: EngineResult, target: Target, built: Landscape) -> EngineResult:
    """The outcome with the network rules that Pulumi does not compare to their end."""
    from dataclasses import replace

    from ggi.engine.events import Event
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.network_drift import network_drift

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        paths, _ = network_drift(api, built.objects, built.environment.namespace)
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
    target = prepare(workspace, wanted.owner, sandbox)
    stack = open_stack(target, wanted.owner)
    with Progress() as progress:
        outcome = stack.drift(Steps(progress, 0))
    if wanted.landscape:
        outcome = _with_widened(outcome, target, wanted.landscape)
    if json_output:
        say_json({"stack": wanted.stack, "drift": changes_of(outcome)})
    else:
        show_steps(outcome)
        closing(t("refresh"), outcome, sandbox, t("nothing differs"))
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
    target = prepare(workspace, owner, sandbox)
    stack = open_stack(target, owner)
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
        running.outcome = outcome = stack.destroy(Steps(progress, stack.size()), running.run.message)
    if json_output:
        say_json({"stack": owner.stack, "changes": outcome.changes, "trail": running.head})
    else:
        closing(t("down"), outcome, sandbox, t("there was nothing"))


@app.command()
def env(name: Name, sandbox: Sandbox = False) -> None:
    """Print the environment in which plain `pulumi` works on a stack; makes the stack when it is new.

    Example: eval "$(ggi env gm9901-prod --sandbox)" && pulumi preview -s gm9901-prod
    """
    workspace = Workspace()
    owner = workspace.owner(name)
    target = prepare(workspace, owner, sandbox)
    # Whatever is wrong with the cluster: this is the way to put it right.
    open_stack(target, owner, check=False).create()
    say(target.exports())
